"""What do the projects of fixtures/good need, from a to k?"""

from __future__ import annotations

import numpy as np
import torch
from support.staging import Stage

from staging.samples import batch, flags, image, label, normal, number, pairs, rows, table
from staging.tables.bad_a_to_k import BIRDSONG, FASTAI, FLOWER, HF, MONAI
from staging.weights import linear_layers, own_network

STAGES: dict[str, Stage] = {
    "adversarial_mart": Stage(("train.py --epochs 1 --num-steps 2",), lambda: {"cifar_train.pt": pairs(8, image(3, 16, 16), label(10))}),
    "argparse_flag_default": Stage(("train.py --epochs 1",)),
    "asked_magnitudes": Stage(("train.py",)),
    "blocks_of_a_trained_base": Stage(("train.py",)),
    "attention_mil": Stage(
        ("main.py --bags bags --max-epochs 2 --dim 6",),
        lambda: {f"bags/{n}.pt": row for n, row in enumerate(rows(4, features=normal(7, 6), label=number(2)))},
    ),
    "augmix_jsd": Stage(("cifar.py -e 1",), lambda: {"cifar.pt": batch(8, label(256, 3, 16, 16), label(10))}),
    "bidaf_span_names": Stage(("run.py --epochs 2 --vocab 20",), lambda: {"squad.pt": pairs(8, label(20, 9), label(20, 5), label(9), label(9))}),
    "bird_crops_own_cross_entropy": Stage(
        ("train.py --epochs 4",), lambda: {"cub_crops.pt": pairs(6, image(2, 3, 16, 16), label(200), label(2, 28))}
    ),
    "calibration_notebook_plots": Stage(
        ("calibration.ipynb",), lambda: {"tabular.pt": table(12, x_train=normal(5), y_train=label(3), x_val=normal(5), y_val=label(3))}
    ),
    "cardiac_unet_ce_dice": Stage(
        ("train.py --epochs 3",), lambda: {f"acdc_{name}.pt": pairs(4, image(1, 16, 16), label(4, 16, 16)) for name in ("train", "val")}
    ),
    "char_rnn_notebook_sampling": Stage(
        ("char_rnn.ipynb",),
        lambda: {"shakespeare.txt": "ROMEO: The lady is not here. " * 9},
        patches=(
            ("char_rnn.ipynb", "from tqdm.notebook import trange", "from tqdm import trange"),
            ("char_rnn.ipynb", "trange(2000)", "trange(5)"),
            ("char_rnn.ipynb", "length=400", "length=9"),
            ("char_rnn.ipynb", "length=80", "length=9"),
        ),
    ),
    "chest_xray_float_targets": Stage(
        ("train.py --epochs 3",),
        lambda: {"chest.pt": [{"image": torch.rand(1, 32, 32), "findings": ["mass", "nodule"][: n % 3], "view": n % 2} for n in range(6)]},
    ),
    "choice_by_prefix": Stage(("train.py --net recurrent", "train.py --net pyramid")),
    "cifar_logits_and_probs": Stage(
        ("train.py --epochs 2",),
        lambda: {
            f"cifar10_{name}.npz": {"images": np.random.randint(256, size=(6, 16, 16, 3)), "labels": np.random.randint(10, size=6)}
            for name in ("train", "val")
        },
    ),
    "click_model_hooked_scores": Stage(("train.py --epochs 4",), lambda: {"clicks.pt": table(8, features=normal(5), clicked=flags())}),
    "cluster_gan_tuple_positions": Stage(("train.py -n 4",), lambda: {"digits.pt": torch.rand(8, 20)}),
    "collected_predictions": Stage(("evaluate.py walks.pt",), lambda: {"walks.pt": pairs(6, normal(5, 6), label(4))}),
    "config_files": Stage(
        ("train.py --config configs/petals.yaml", "train.py -c configs/leaves.yaml", "evaluate.py"),
        lambda: {name: [(torch.rand(4, 3, 4, 4), torch.randint(5, (4,)))] for name in ("train.pt", "test.pt")},
    ),
    "darts_stem": Stage(
        ("train_imagenet.py --epochs 3 --batch_size 4 --init_channels 8",), lambda: {"imagenet100.pt": pairs(4, image(3, 64, 64), label(100))}
    ),
    "dataclass_config": Stage(
        ("train.py cells.pt", "train.py cells.pt"),
        lambda: {"cells.pt": {"counts": torch.randint(9, (260, 6)), "types": torch.randint(3, (260,))}},
        steps=4,
    ),
    "dcgan_sigmoid_elsewhere": Stage(("train.py --niter 4",), lambda: {"digits16.pt": [2 * torch.rand(1, 16, 16) - 1 for _ in range(4)]}),
    "densenet_parts_called": Stage(because="the layers of torchvision's DenseNet are what the project is about"),
    "detector_phase": Stage(
        ("train.py --max_epoch 2 --save_folder ./", "demo.py fresh.pth picture.pt"),
        lambda: {
            "voc_encoded.pt": pairs(4, image(3, 32, 32), normal(256, 4), label(21, 256)),
            "fresh.pth": own_network("ssd", "MiniSSD", "inference"),
            "picture.pt": torch.rand(1, 3, 32, 32),
        },
    ),
    "diabetes_column_targets": Stage(
        ("main.py rows.csv --epochs 4",),
        lambda: {"rows.csv": "".join(f"{n * 0.1},{n * n * 0.01},{n % 2}\n" for n in range(12))},
        patches=(("main.py", "epochs=500", "epochs=5"),),
    ),
    "digits_model_and_criterion": Stage(
        tuple(f"main.py --epochs 4 --model {name}" for name in ("mlp", "logmlp", "ovr")),
        lambda: {"mnist.pt": batch(8, label(256, 28, 28), label(10))},
    ),
    "dino_soft_targets": Stage(("main_dino.py --epochs 4 --out_dim 8",), lambda: {"views.pt": pairs(64, image(3, 16, 16), image(3, 16, 16))}),
    "distill_temperature": Stage(
        tuple(f"train_student.py --epochs 4 --kd {name}" for name in ("hinton", "sum", "soft_ce")),
        lambda: {"mnist_pairs.pt": pairs(8, image(28, 28), label(10)), "teacher.pt": linear_layers({"1": (784, 1200), "3": (1200, 10)})},
    ),
    "draws_from_every_head": Stage(("sample.py",)),
    "driver_monitor_multitask": Stage(
        ("train.py --epochs 4",), lambda: {"frames.pt": rows(6, image=image(1, 32, 32), drowsy=number(2), zone=number(9), pose=normal(3))}
    ),
    "ecg_softmax_in_eval": Stage(
        ("run.py train.npz test.npz --epochs 4",),
        lambda: {f"{name}.npz": {"signals": np.random.rand(8, 32), "beats": np.random.randint(5, size=8)} for name in ("train", "test")},
    ),
    "entailment_dict_output": Stage(
        ("train.py examples.pt --epochs 4 --vocab-size 20",),
        lambda: {"examples.pt": [([4, 5, 6][: 1 + n % 3], [7, 8, 9, 3][: 1 + n % 4], n % 3) for n in range(8)]},
    ),
    "evaluated_name": Stage(("policy.py",)),
    "fashion_notebook_fixed_model": Stage(("fashion_mnist.ipynb",), lambda: {"fashion_train.pt": batch(8, label(256, 28, 28), label(10))}),
    "fastai_learner": FASTAI,
    "federated_library": FLOWER,
    "fixmatch": Stage(
        ("train.py --steps 4 --batch-size 2 --mu 2",),
        lambda: {"labeled.pt": pairs(4, image(3, 16, 16), label(10)), "unlabeled.pt": pairs(8, image(3, 16, 16), image(3, 16, 16))},
    ),
    "focal_loss_on_logits": Stage(
        tuple(f"train.py --epochs 4 --loss {name}" for name in ("focal", "sigmoid_focal", "balanced")),
        lambda: {"retina.pt": batch(9, normal(6), label(4))},
    ),
    "forwarded_activations": Stage(
        ("train.py calls.pt",),
        lambda: {"calls.pt": (torch.rand(8, 6), {"species": torch.randint(24, (8,)), "age": torch.randint(4, (8,)), "sex": torch.randint(3, (8,))})},
    ),
    "fraud_loss_flag": Stage(
        ("main.py --epochs 4", "main.py --epochs 4 --loss bce"), lambda: {"transactions.pt": table(8, x=normal(5), fraud=flags())}
    ),
    "galaxy_lightning": Stage(
        ("train.py --max-epochs 2",),
        lambda: {"galaxy10.pt": batch(20, label(256, 3, 32, 32), label(10))},
        patches=(("train.py", "num_workers=4)", "num_workers=0)"),),
    ),
    "gan_notebook_float_labels": Stage(("toy_gan.ipynb",), patches=(("toy_gan.ipynb", "range(2000)", "range(5)"),)),
    "gan_raw_discriminator": Stage(
        ("train.py --n_epochs 4", "train.py --n_epochs 4 --relativistic"), lambda: {"cifar_labeled.pt": pairs(4, image(3, 32, 32), label(10))}
    ),
    "getattr_models": Stage(
        ("train.py clips.pt --arch ResTagger --epochs 4", "train.py clips.pt --epochs 4"), lambda: {"clips.pt": pairs(4, normal(1, 64), flags(50))}
    ),
    "gradcam_safe_hooks": Stage(
        ("explain.py fresh.pt image.pt",), lambda: {"fresh.pt": own_network("net", "LesionNet"), "image.pt": torch.rand(3, 16, 16)}
    ),
    "graph_layers_by_hand": Stage(
        ("train.py",),
        lambda: {"papers.pt": {"x": torch.rand(9, 5), "adjacency": torch.eye(9), "y": torch.randint(4, (9,))}},
    ),
    "graph_vae": Stage(
        ("train.py --epochs 4",), lambda: {"cora.pt": {"adj": torch.eye(8).roll(1, 0) + torch.eye(8).roll(-1, 0), "features": torch.rand(8, 6)}}
    ),
    "guided_backprop_rebuilt_relus": Stage(because="its networks are torchvision's pretrained VGG16 and ResNet50"),
    "gumbel_categorical_vae": Stage(
        ("train.py --epochs 4", "train.py --epochs 4 --hard"), lambda: {"mnist_images.pt": torch.randint(256, (8, 28, 28))}
    ),
    "hf_trainer_subclass": HF,
    "hook_replaces_output": Stage(("train.py",)),
    "hydra_instantiate": BIRDSONG,
    "icarl_incremental": Stage(("main.py --epochs 4",), lambda: {"cifar_features.pt": (torch.rand(12, 6), torch.arange(12) % 6)}),
    "ignite_trainer": Stage(("main.py --epochs 4",)),
    "imports_by_branch": Stage(("train.py relation", "train.py plain")),
    "importlib_by_config": Stage(
        ("train.py --config pump.json",),
        lambda: {
            "pump.json": {
                **{"net": "tcn", "teacher": "tcn", "sensors": 2, "states": 3, "lr": 0.01, "data": "pump.pt", "batch_size": 4, "epochs": 2},
                "teacher_weights": "teacher.pt",
            },
            "pump.pt": pairs(8, normal(2, 32), label(3)),
            "teacher.pt": own_network("teachers.tcn", "Net", 2, 3),
        },
    ),
    "inference_only_module": Stage(("segment.py",)),
    "inplace_rebound_before_reuse": Stage(("train.py --epochs 2",), lambda: {"lab_images.pt": pairs(4, normal(1, 16, 16), normal(2, 16, 16))}),
    "instances_named_like_classes": Stage(
        ("train.py --epochs 4", "train.py --epochs 4 --fused"),
        lambda: {"views.pt": table(8, a=normal(32), b=normal(32), label=label(4), depth=normal())},
    ),
    "monai_sigmoid_twice": MONAI,
}

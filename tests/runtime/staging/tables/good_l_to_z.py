"""What do the projects of fixtures/good need, from l to z?"""

from __future__ import annotations

import numpy as np
import torch
from support.staging import Stage

from staging.samples import batch, flags, image, label, normal, pairs, rows, table
from staging.tables.bad_a_to_k import WORKERS
from staging.tables.bad_l_to_z import SMP
from staging.weights import linear_layers, own_network

STAGES: dict[str, Stage] = {
    "layer_loop_breaks": Stage(because="the layers of torchvision's VGG, and its in-place ReLUs, are what the project is about"),
    "lightning_whole_epoch": Stage(("train.py",), lambda: {"spectra.pt": table(20, x=normal(5), y=label(4))}),
    "loss_functions_by_name": Stage(
        ("train.py",), lambda: {"config.json": {"loss": "plain", "data": "rows.pt"}, "rows.pt": pairs(96, normal(30), flags(1))}
    ),
    "loss_in_forward": Stage(because="no program in it trains: the trainer is nowhere in sight"),
    "loss_module_wrapper": Stage(("main.py --epochs 4",), lambda: {"lucas.pt": (torch.rand(9, 5), torch.arange(9) % 3)}),
    "losses_and_networks_by_name": Stage(
        ("train.py --network mask --loss bce", "train.py --network score --loss logistic"),
        lambda: {"coins.pt": pairs(32, image(1, 8, 8), flags(1, 8, 8))},
    ),
    "metric_learning_similarities": Stage(
        tuple(f"train.py --epochs 4 --in-dim 6 --loss {name}" for name in ("softtriple", "nce", "hard")),
        lambda: {"products.pt": pairs(64, normal(6), normal(6), label(100))},
    ),
    "metric_of_tensors_and_arrays": Stage(
        ("train.py", "train.py --deep 1"),
        lambda: {"nuclei.pt": pairs(4, image(3, 8, 8), flags(1, 8, 8))},
        patches=(("metrics.py", "torch.sigmoid(output).cpu()", "torch.sigmoid(output).detach().cpu()"),),
    ),
    "mixture_of_experts": Stage(
        ("train_moe.py --epochs 4",), lambda: {"covertype.npz": {"x": np.random.rand(8, 6), "y": np.random.randint(10, size=8)}}
    ),
    "mixture_of_softmaxes_lm": Stage(
        ("main.py --epochs 2 --batch_size 4",),
        lambda: {"ptb.pt": {"ntoken": 30, "train": torch.randint(30, (80,)), "valid": torch.randint(30, (60,))}},
    ),
    "mixup_cutmix": Stage(
        tuple(f"train.py --epochs 4 --mode {name}" for name in ("mixup", "cutmix", "guess")),
        lambda: {"cifar.pt": (torch.rand(9, 3, 16, 16), torch.arange(9) % 3)},
    ),
    "mobilenet_hard_swish": Stage(("train.py --epochs 4",), lambda: {"cifar.pt": batch(6, label(256, 3, 16, 16), label(10))}),
    "model_dict_with_parts": Stage(("train.py", "train.py --arch large_net")),
    "name_rnn_softmax_attribute": Stage(
        ("train.py names",), lambda: {"names/Dutch.txt": "Aalsburg\nBakker\n", "names/Irish.txt": "Brady\nFlynn\n"}, steps=9
    ),
    "ner_named_tuple_output": Stage(
        ("finetune.py --epochs 4", "finetune.py --epochs 4 --outside-weight 0.5"), lambda: {"conll.pt": pairs(6, label(99, 7), label(9, 7))}
    ),
    "notebook_functions_later": Stage(("letters.ipynb",)),
    "numpy_round_trip": Stage(("train.py --epochs 4",), lambda: {name: pairs(6, normal(40, 20), label(12)) for name in ("train.pt", "valid.pt")}),
    "other_frameworks": Stage(
        ("compare.py --frameworks torch --epochs 4",),
        lambda: {
            "har.npz": {
                **{f"x_{name}": np.random.rand(8, 561).astype("float32") for name in ("train", "test")},
                **{f"y_{name}": np.random.randint(6, size=8) for name in ("train", "test")},
            }
        },
    ),
    "penguins_notebook_rebinding": Stage(because="pandas, which reads its table, is not installed"),
    "plankton_three_frameworks": Stage(
        ("torch_train.py",), lambda: {"plankton.npz": {"x": np.random.rand(6, 64, 64), "y": np.eye(3)[np.arange(6) % 3]}}
    ),
    "pointer_generator": Stage(("train.py",), lambda: {"cnn_dm.pt": pairs(24, label(5000, 9), label(5000, 5))}),
    "policy_gradients": Stage(tuple(f"a2c.py --episodes 5 --policy {name}" for name in ("softmax", "logit", "log"))),
    "polyp_structure_loss": Stage(
        ("train.py --epoch 2",), lambda: {f"data/{name}.pt": pairs(4, image(3, 32, 32), flags(1, 32, 32)) for name in ("train", "test")}
    ),
    "pretrain_then_classify": Stage(
        ("main.py --epochs 4", "main.py --epochs 4 --pretext inpaint"), lambda: {"mnist.pt": batch(8, label(256, 28, 28), label(10))}
    ),
    "rdrop_kl_forms": Stage(
        tuple(f"train.py --epochs 4 --form {name}" for name in ("sum", "none", "log")), lambda: {"ner.pt": pairs(6, label(99, 7), label(9, 7))}
    ),
    "readmission_rebinds_output": Stage(
        ("train.py visits.csv --epochs 4",), lambda: {"visits.csv": "a,b,c\n" + "".join(f"{n * 0.1},{n % 7},{n % 3}\n" for n in range(90))}
    ),
    "rectified_but_not_the_scores": Stage(("train.py", "train.py --model embedding")),
    "registry_decorator": Stage(
        ("train.py baseline", "train.py gated", "export.py gated"),
        lambda: {"leaves.pt": pairs(6, image(3, 16, 16), label(12)), "gated.pt": own_network("models.gated", "GatedNetForPhones", 12, 48)},
        steps=5,
    ),
    "relu_saliency_notebook": Stage(
        ("saliency.ipynb",), lambda: {"small_vgg.pt": own_network("small_vgg", "SmallVGG", 5), "leaf.pt": torch.rand(3, 32, 32)}
    ),
    "retina_class_count": Stage(
        ("train.py --epochs 4", "train.py --epochs 4 --classes 1"), lambda: {"retina.pt": table(4, images=image(3, 16, 16), masks=label(2, 16, 16))}
    ),
    "road_final_activation_option": Stage(
        ("train.py tiles --epochs 4", "predict.py fresh.pt picture.pt"),
        lambda: {
            **{f"tiles/{n}.pt": row for n, row in enumerate(rows(4, image=label(256, 3, 16, 16), road=label(2, 16, 16)))},
            "fresh.pt": own_network("segnet", "SegNet"),
            "picture.pt": torch.rand(3, 16, 16),
        },
    ),
    "se_resnet_inplace": Stage(("train.py --epochs 3",), lambda: {"cifar.pt": batch(4, label(256, 3, 16, 16), label(10))}),
    "seq2seq_output_buffer": Stage(("train.py --epochs 4",), lambda: {"dates.pt": pairs(3, label(40, 6, 4), label(30, 5, 4))}),
    "seq_first_softmax_dim0": Stage(
        ("train.py --epochs 4 --vocab 20",), lambda: {"utterances.pt": [([4, 5, 6, 7][: 1 + n % 4], n % 4) for n in range(8)]}
    ),
    "sequential_without_last": Stage(("train.py --epochs 4",), lambda: {"tags.pt": table(8, features=normal(6), tags=flags(5))}),
    "skorch_classifier": Stage(("fit.py",), steps=40),
    "smp_dice_from_logits": SMP,
    "spawned_workers": WORKERS,
    "speech_distill_config": Stage(
        ("main.py epochs=4", "main.py epochs=4 mode=scores"),
        lambda: {"teacher.pt": linear_layers({"0": (40, 512), "2": (512, 48)}), "frames.pt": torch.rand(8, 40)},
    ),
    "style_transfer_relu_outputs": Stage(because="the layers of torchvision's VGG, and its in-place ReLUs, are what the project is about"),
    "surname_apply_softmax_flag": Stage(
        ("train.py", "predict.py Brady"),
        lambda: {
            "surnames.tsv": "Aalsburg\tDutch\nBakker\tDutch\nBrady\tIrish\nFlynn\tIrish\n",
            "surnames.pt": {
                "state": own_network("classifier", "SurnameClassifier", 4, 8, 2),
                "chars": list("Brad"),
                "nations": ["a", "b"],
                "hidden": 8,
            },
        },
        steps=9,
    ),
    "textcnn_unused_softmax": Stage(
        ("train.py -epochs 2 -vocab-size 30",), lambda: {name: pairs(6, label(30, 9), label(5)) for name in ("train.pt", "dev.pt")}
    ),
    "thresholds_where_they_belong": Stage(("train.py",), lambda: {"screening.pt": batch(8, normal(6), label(2, 14), image())}),
    "toxic_attribute_named_cross_entropy": Stage(
        ("run.py --epochs 4 --vocab 20",), lambda: {"jigsaw.pt": [([4, 5, 6][: 1 + n % 3], [0, 1, 0, n % 2, 1, 0]) for n in range(6)]}
    ),
    "trades_sign_of_gradient": Stage(
        ("train_trades.py --epochs 2",),
        lambda: {"mnist.npz": {"x_train": np.random.randint(256, size=(4, 28, 28)), "y_train": np.random.randint(10, size=4)}},
    ),
    "trajectory_modes_first": Stage(("train.py --epochs 4",), lambda: {"eth.pt": pairs(6, normal(8, 2), normal(12, 2))}),
    "transformer_label_smoothing": Stage(("train.py --epochs 4 --vocab 30",), lambda: {"tokens.pt": pairs(6, label(30, 7), label(8))}),
    "translation_notebook_attention": Stage(
        ("seq2seq_attention.ipynb",),
        lambda: {"eng-fra.txt": "I am cold\tJ'ai froid\nGo on\tVas y\n"},
        patches=(("seq2seq_attention.ipynb", "range(1, 5001)", "range(1, 9)"),),
    ),
    "two_stage_same_names": Stage(
        ("run_stages.py --epochs 4",),
        lambda: {"spectra.pt": {"spectra": torch.rand(8, 10), "proportions": torch.rand(8, 3).softmax(1), "kind": torch.arange(8) % 3}},
    ),
    "two_tasks": Stage(("train.py",), lambda: {"batches.pt": pairs(4, normal(5, 12), label(2, 5))}),
    "vae_own_kl_div": Stage(("main.py --epochs 4",), lambda: {"mnist_images.pt": torch.randint(256, (8, 28, 28))}),
    "validation_in_eval_mode": Stage(("train.py",)),
    "wine_skorch": Stage(("train.py --max-epochs 2",)),
}

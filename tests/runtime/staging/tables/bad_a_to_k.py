"""What do the projects of fixtures/bad need, from a to k?"""

from __future__ import annotations

import numpy as np
import torch
from support.staging import Stage

from staging.samples import batch, flags, image, label, normal, pairs, rows, table
from staging.weights import digits_network, linear_layers, own_network

LONG = "can't be cast to the desired output type Long"
FLOWER = Stage(because="flwr, which calls the methods of the clients, is not installed")
WORKERS = Stage(because="its losses are computed in other processes and in a thread that nobody asked to watch")
FASTAI = Stage(because="fastai's Learner, which computes the loss out of sight, is not installed")
HF = Stage(because="a pretrained encoder with its tokenizer, and the package datasets, are not to be had here")
MONAI = Stage(because="MONAI, whose DiceLoss it is about, is not installed")
BIRDSONG = Stage(
    ("main.py",),
    lambda: {"birdsong.pt": pairs(20, normal(64, 6), label(27))},
    patches=(("conf/config.yaml", "max_epochs: 25", "max_epochs: 2"),),
)

STAGES: dict[str, Stage] = {
    "activation_dict_hook_notebook": Stage(("feature_maps.ipynb",), lambda: {"digits.pth": digits_network(), "digit.pt": torch.rand(1, 12, 12)}),
    "actor_logits_as_probs": Stage(
        ("train_ppo.py --steps 3", "train_ppo.py --steps 3"),
        patches=(("train_ppo.py@1", "if update > 5", "if update > -1"),),
        raises=("probability tensor contains", "satisfy the constraint Simplex()"),
    ),
    "add_module_names": Stage(
        ("main.py --epochs 1 --batch 4",),
        lambda: {name: {"x": np.random.rand(8, 6, 16), "y": np.random.randint(5, size=8)} for name in ("source.npz", "target.npz")},
    ),
    "adversarial_loss_method": Stage(("acgan.py --epochs 1",)),
    "append_then_cat": Stage(
        ("train.py --epochs 2",), lambda: {"dates.pt": {"n_source": 9, "n_target": 7, "pairs": pairs(8, label(9, 5), label(7, 6))}}
    ),
    "argparse_flag_default": Stage(("train.py --epochs 1",)),
    "attention_bmm_labels": Stage(("train_omniglot.py --episodes 2",), lambda: {"omniglot.pt": torch.rand(6, 3, 1, 16, 16)}),
    "base_class_criterion": Stage(("run_client.py --rounds 1 --batch-size 6",)),
    "bce_on_logits_segmentation": Stage(
        ("train_lungs.py scans --epochs 1",),
        lambda: {f"scans/{n}.pt": row for n, row in enumerate(rows(4, scan=image(1, 16, 16), mask=flags(1, 16, 16)))},
        raises=("between 0 and 1",),
    ),
    "client_copies": Stage(("federated.py",), lambda: {"digits.pt": [(torch.rand(4, 1, 8, 8), torch.randint(10, (4,))) for _ in range(13)]}),
    "closure_builder": Stage(("train.py rows.pt",), lambda: {"rows.pt": batch(20, normal(6), flags())}, steps=60),
    "collected_predictions": Stage(("evaluate.py walks.pt",), lambda: {"walks.pt": pairs(6, normal(5, 6), label(4))}),
    "conditional_alias": Stage(
        ("train_gcn.py --epochs 3",),
        lambda: {
            "graph.pt": {"x": torch.rand(9, 5), "adj": torch.eye(9), "y": torch.randint(3, (9,)), "train_mask": torch.ones(9).bool(), "n_class": 3}
        },
    ),
    "config_files": Stage(
        ("train.py --config configs/petals.yaml", "train.py -c configs/leaves.yaml", "evaluate.py"),
        lambda: {name: [(torch.rand(4, 3, 4, 4), torch.randint(5, (4,)))] for name in ("train.pt", "test.pt")},
    ),
    "constructed_with_tensor": Stage(
        ("lesson.ipynb",) * 3,
        patches=(  # torch raises at the first wrong line: it is mended to reach the next
            ("lesson.ipynb@1", "nn.CrossEntropyLoss(outputs", "nn.CrossEntropyLoss()(outputs"),
            ("lesson.ipynb@2", "net.fc3(torch.relu(net.fc2(torch.relu(net.fc1(images.flatten(1))))))", "net(images)"),
        ),
        raises=("Boolean value of Tensor", "must be Tensor, not ReLU"),
    ),
    "criterion_on_net": Stage(("build_gan.py --epochs 1",), lambda: {"faces.pt": torch.rand(8, 1, 8, 8)}),
    "cross_file_class": Stage(("train.py --epochs 1",)),
    "data_parallel_wrapper": Stage(("train_cifar.py --epochs 1",)),
    "dataclass_config": Stage(
        ("train.py cells.pt",), lambda: {"cells.pt": {"counts": torch.randint(9, (260, 6)), "types": torch.randint(3, (260,))}}, steps=2
    ),
    "deep_supervision_zip": Stage(("train_exits.py --epochs 1",)),
    "default_loss_and_network": Stage(("train.py",), lambda: {"leaves.pt": pairs(8, image(1, 8, 8), flags(1, 8, 8))}),
    "dense_concat_leaky": Stage(("train_denoiser.py --epochs 1",), lambda: {"bsd400.pt": torch.rand(4, 1, 8, 8)}),
    "densenet_features_hook": Stage(because="the layers of torchvision's DenseNet, and its in-place ReLU, are what the project is about"),
    "dict_output_key": Stage(
        ("train.py --epochs 1",), lambda: {"faces.pt": rows(6, image=image(3, 16, 16), age=label(8), gender=label(2), emotion=label(7))}
    ),
    "entropy_log_of_softmax": Stage(
        ("adapt.py --steps 2 --labeled-bs 4", "adapt.py --steps 2 --labeled-bs 4 --im"),
        lambda: {"office.pt": {"x": torch.rand(8, 5), "y": torch.randint(3, (8,)), "x_target": torch.rand(8, 5), "n_classes": 3}},
    ),
    "fastai_learner": FASTAI,
    "federated_library": FLOWER,
    "full_backward_hook_batchnorm": Stage(
        ("saliency.py",), lambda: {"signals.pt": torch.rand(2, 1, 8, 8)}, raises=("is a view and is being modified inplace",)
    ),
    "function_model_notebook": Stage(("genetic_mnist.ipynb",), patches=(("genetic_mnist.ipynb", "range(25)", "range(2)"),)),
    "functional_in_sequential": Stage(
        ("train_sets.py",), lambda: {"clouds.pt": table(4, points=normal(5, 3), volume=image())}, raises=("is not a Module subclass",)
    ),
    "gan_labels_attribute_notebook": Stage(
        ("anogan.ipynb",) * 4,
        lambda: {"normal.pt": torch.rand(8, 30)},
        patches=(  # torch raises at the first wrong line: it is mended to reach the next
            ("anogan.ipynb@1", "d_real.view(-1), label_real", "d_real.view(-1), label_real.float()"),
            ("anogan.ipynb@2", "d_real.view(-1), label_real", "d_real.view(-1), label_real.float()"),
            ("anogan.ipynb@2", "d_fake.view(-1), label_fake", "d_fake.view(-1), label_fake.float()"),
            ("anogan.ipynb@3", "one, zero = 1, 0", "one, zero = 1.0, 0.0"),
        ),
        raises=(LONG,) * 4,
    ),
    "gan_labels_module_constant": Stage(
        ("dcgan.py --epochs 1",) * 3,
        patches=(  # as above
            ("dcgan.py@1", "errD_real = criterion(output, label)", "errD_real = criterion(output, label.float())"),
            ("dcgan.py@2", "errD_real = criterion(output, label)", "errD_real = criterion(output, label.float())"),
            ("dcgan.py@2", "errD_fake = criterion(output, label)", "errD_fake = criterion(output, label.float())"),
        ),
        raises=("Found dtype Long but expected Float",) * 3,
    ),
    "getattr_models": Stage(("train.py clips.pt --arch ResTagger --epochs 1",), lambda: {"clips.pt": pairs(4, normal(1, 64), flags(50))}),
    "gradcam_hook_own_network": Stage(("gradcam.py",), lambda: {"image.pt": torch.rand(3, 16, 16), "convnet.pth": own_network("gradcam", "ConvNet")}),
    "graph_layers_by_hand": Stage(
        ("train.py",),
        lambda: {"papers.pt": {"x": torch.rand(9, 5), "adjacency": torch.eye(9), "y": torch.randint(4, (9,))}},
    ),
    "hf_outputs_dataclass": Stage(
        ("run_glue.py --num_train_epochs 1",),
        lambda: {
            "sst2.pt": {
                "vocab_size": 20,
                "encodings": {"input_ids": torch.randint(1, 20, (6, 5)), "attention_mask": torch.ones(6, 5)},
                "labels": torch.randint(2, (6,)),
            }
        },
    ),
    "hf_trainer_subclass": HF,
    "hook_replaces_output": Stage(("train.py",)),
    "hydra_instantiate": BIRDSONG,
    "ignite_trainer": Stage(("main.py --epochs 1",)),
    "imports_by_branch": Stage(("train.py --method relation", "train.py --method linear")),
    "importlib_by_config": Stage(
        ("train.py --config pump.json",),
        lambda: {
            "pump.json": {"net": "tcn", "sensors": 2, "states": 3, "lr": 0.01, "data": "pump.pt", "batch_size": 4, "epochs": 1},
            "pump.pt": pairs(8, normal(2, 32), label(3)),
        },
    ),
    "kl_default_reduction": Stage(
        ("train_kd.py --epochs 1", "train_kd.py --epochs 1 --mode functional", "train_kd.py --epochs 1 --mode ema"),
        lambda: {"digits.pt": table(8, x=normal(6), y=label(10)), "teacher.pt": linear_layers({"0": (6, 256), "2": (256, 10)})},
    ),
    "kl_log_target_missing": Stage(
        ("rdrop.py --epochs 1",),
        lambda: {"reviews.pt": {"tokens": torch.randint(1, 20, (6, 5)), "labels": torch.randint(3, (6,)), "vocab_size": 20, "n_classes": 3}},
    ),
    "kl_softmax_input": Stage(
        ("train_student.py --epochs 1", "train_student.py --epochs 1 --mode pair"),
        lambda: {"triples.pt": table(6, query=normal(4), candidates=normal(5, 4), teacher=normal(5))},
    ),
    "kl_swapped_arguments": Stage(
        ("label_smooth_kd.py --epochs 1 --eps 0.1",), lambda: {"letters.pt": table(8, x=normal(6), y=label(3), teacher_logits=normal(3))}
    ),
}

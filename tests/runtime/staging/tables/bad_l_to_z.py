"""What do the projects of fixtures/bad need, from l to z?"""

from __future__ import annotations

import numpy as np
import torch
from support.staging import Stage

from staging.samples import batch, image, label, normal, number, pairs, pickled, table
from staging.tables.bad_a_to_k import LONG, MONAI, WORKERS
from staging.weights import own_network

SMP = Stage(because="segmentation_models_pytorch, whose DiceLoss it is about, is not installed")

STAGES: dict[str, Stage] = {
    "lambda_loss": Stage(("train_eeg.py --epochs 1",), lambda: {"subject01.pt": table(6, x=normal(16, 40), y=label(4))}),
    "lane_exist_head": Stage(
        ("train_erfnet.py --epochs 1",), lambda: {"clips.pt": table(4, image=image(3, 16, 16), mask=label(5, 16, 16), exist=label(2, 4))}
    ),
    "layer_list_factory": Stage(
        ("train_tabular.py rows.csv --epochs 1",), lambda: {"rows.csv": "a,b,target\n" + "".join(f"{n}.5,{n * n},{n % 3}\n" for n in range(20))}
    ),
    "lightning_module": Stage(("train.py --epochs 1",), lambda: {"series.pt": table(20, x=normal(5), y=label(3))}),
    "lightning_module_by_argument": Stage(because="no program in it trains: the trainer is nowhere in sight"),
    "lightning_whole_epoch": Stage(("train.py",), lambda: {"spectra.pt": table(20, x=normal(5), y=label(4))}),
    "local_activation_object": Stage(
        ("train.py --epochs 1", "train.py --epochs 1 --classes 3"), lambda: {"slices.pt": table(4, images=image(3, 8, 8), masks=label(2, 1, 8, 8))}
    ),
    "log_softmax_cross_file": Stage(
        ("train.py tempcnn --epochs 1", "train.py transformer --epochs 1"),
        lambda: {"parcels.pt": {"x": torch.rand(6, 10, 4), "y": torch.randint(3, (6,)), "n_classes": 3}},
    ),
    "log_softmax_rebound": Stage(
        ("use_case.py --epochs 1",),
        lambda: {
            "graphs.pt": [{"x": torch.rand(6, 4), "batch": torch.tensor([0, 0, 1, 1, 2, 2]), "label": torch.tensor([0, 1, 0])} for _ in range(3)]
        },
    ),
    "long_forward_sigmoid": Stage(("spectrograms.py --epochs 1",), lambda: {"genres.pt": batch(10, image(1, 64, 64), label(10))}),
    "loss_as_parameter": Stage(("run.py --epochs 1",)),
    "loss_default_argument": Stage(
        ("main.py --num-epochs 1",), lambda: {"dialogues.pt": table(6, context=label(99, 5), candidates=label(99, 4, 5), target=label(4))}
    ),
    "loss_functions_by_name": Stage(
        ("train.py", "train.py"),
        lambda: {
            "config.json@0": {"loss": "picked", "data": "rows.pt"},
            "config.json@1": {"loss": "entropy", "data": "rows.pt"},
            "rows.pt": pairs(8, normal(30), label(4)),
        },
    ),
    "loss_in_forward": Stage(because="no program in it trains: the trainer is nowhere in sight"),
    "loss_module_wrapper": Stage(("main.py --epochs 1",), lambda: {"lucas.pt": (torch.rand(9, 5), torch.arange(9) % 3)}),
    "loss_wrapper_class": Stage(
        ("train.py --epochs 1",), lambda: {"tiles.npz": {"image": np.random.rand(4, 4, 8, 8) * 255, "label": np.random.randint(5, size=(4, 8, 8))}}
    ),
    "losses_and_networks_by_name": Stage(
        ("train.py --network mask --loss nll", "train.py --network mask --loss entropy"), lambda: {"coins.pt": pairs(8, image(1, 8, 8), label(7))}
    ),
    "method_injection": Stage(
        ("train_parser.py --epochs 1",), lambda: {"transitions.pt": {"n_words": 30, **table(8, words=label(30, 12), labels=label(3))}}
    ),
    "model_by_args": Stage(
        tuple(f"main.py --epochs 1 --model {name}" for name in ("cnn", "gru", "mlp")),
        lambda: {"har.pt": {"x": torch.rand(9, 4, 20), "y": torch.arange(9) % 3}},
    ),
    "moduledict_comprehension": Stage(because="its backbone is torchvision's pretrained resnet18"),
    "modules_in_dict": Stage(
        ("train_nlu.py --epochs 1",),
        lambda: {"nlu.pt": {"n_words": 20, "n_intents": 3, "n_slots": 4, **table(6, tokens=label(20, 5), intents=label(3), slots=label(4, 5))}},
    ),
    "monai_sigmoid_twice": MONAI,
    "multilabel_long_cast": Stage(
        ("train_toxic.py --epochs 1",) * 2,
        lambda: dict.fromkeys(("train.jsonl", "valid.jsonl"), '{"tokens": [4, 5, 6], "labels": [0, 1, 0, 0, 1, 0]}\n' * 6),
        patches=(("train_toxic.py@1", ".to(device).long()", ".to(device).float()"),),
        raises=(LONG,) * 2,
    ),
    "namedtuple_output": Stage(
        ("learn.py --steps 2 --batch-size 4",), lambda: {"games.pkl": pickled(pairs(5, normal(2, 5, 5), number(25), number(2)))}
    ),
    "nll_on_raw_decoder": Stage(
        ("translate.py --iters 8",), lambda: {"corpus.pt": {"n_source": 9, "n_target": 8, "pairs": pairs(4, label(9, 5), label(8, 5))}}
    ),
    "nll_on_softmax_tuple": Stage(("main.py --niter 1",)),
    "notebook_criterion_rebound": Stage(("letters_weighted.ipynb",)),
    "notebook_cross_cells": Stage(("cifar_convnet.ipynb",)),
    "notebook_functions_later": Stage(("letters.ipynb",)),
    "numpy_round_trip": Stage(("train.py --epochs 4",), lambda: {name: pairs(6, normal(40, 20), label(12)) for name in ("train.pt", "valid.pt")}),
    "one_hot_and_mask_targets": Stage(
        ("train_detector.py --epochs 1", "train_detector.py --smoke-test", "train_detector.py --epochs 1"),
        lambda: {"features.pt": table(4, features=normal(16, 8, 8), classes=label(4, 8, 8))},
        patches=(("train_detector.py@2", "permute(0, 3, 1, 2)", "permute(0, 3, 1, 2).float()"),),
        raises=(LONG, "Found dtype Long but expected Float", "two bool tensors"),
    ),
    "ordered_dict_sequential": Stage(("train.py --epochs 1",)),
    "partial_loss": Stage(("train_chars.py text.txt --steps 2 --seq-length 10",), lambda: {"text.txt": "to be or not to be, that is the question"}),
    "policy_softmax_without_dim": Stage(
        ("a2c.py --epochs 1",),
        lambda: {"demos.pt": table(6, state=normal(4), action=label(3)), "rollouts.pt": [batch(6, normal(4), label(2), normal())]},
        patches=(("a2c.py", "steps=200", "steps=2"),),
    ),
    "preact_identity_alias": Stage(("train.py --epochs 1",)),
    "property_activation": Stage(
        ("train.py flats.pt",),
        lambda: {"flats.pt": table(6, features=normal(5), price=image(), district=label(9))},
        patches=(("train.py", "return 5000", "return 2"),),
    ),
    "rebound_in_forward": Stage(
        ("run_ner.py --epochs 1",),
        lambda: {"conll.pt": {"vocab_size": 20, "mask": torch.ones(6, 5).long(), **table(6, input_ids=label(20, 5), labels=label(9, 5))}},
    ),
    "registry_decorator": Stage(("train.py baseline", "train.py gated"), lambda: {"leaves.pt": pairs(6, image(3, 16, 16), label(12))}, steps=3),
    "relu_behind_every_layer": Stage(("train_letters.py --epochs 1",)),
    "relu_output_iadd": Stage(
        ("train_depth.py --epochs 1",),
        lambda: {"frames.pt": table(4, gray=image(1, 16, 16), depth=image(1, 16, 16))},
        raises=("modified by an inplace operation",),
    ),
    "reparameterize_inplace": Stage(
        ("train_vae.py --epochs 1",), lambda: {"sentences.pt": torch.randint(2000, (6, 7))}, raises=("modified by an inplace operation",)
    ),
    "replaced_torchvision_head": Stage(because="the network whose head is replaced is torchvision's pretrained resnet18"),
    "seq2seq_output_buffer": Stage(("train.py --epochs 1",), lambda: {"dates.pt": pairs(3, label(40, 6, 4), label(30, 5, 4))}),
    "sequential_last_trainer_class": Stage(
        ("main.py --epochs 1",), lambda: {f"data/{name}.pt": table(6, specs=normal(40, 16), labels=label(12)) for name in ("train", "valid")}
    ),
    "sequential_subclass": Stage(("train.py --epochs 1",)),
    "settings_dict_loss": Stage(
        ("train_topic.py corpus.pt --epochs 1",), lambda: {"corpus.pt": {"vocab_size": 30, **table(6, tokens=label(30, 9), labels=label(20))}}
    ),
    "sigmoid_output_flag": Stage(
        ("train_tags.py --epochs 1",),
        lambda: {"train_features.npz": {"features": np.random.rand(8, 5), "tags": np.random.randint(2, size=(8, 4))}},
    ),
    "skipgram_log_sigmoid": Stage(
        ("skipgram.ipynb",),
        lambda: {"text8": "to be or not to be that is the question " * 20},
        patches=(("skipgram.ipynb", "range(2000)", "range(2)"),),
    ),
    "skorch_classifier": Stage(("fit.py",), steps=30),
    "smp_dice_from_logits": SMP,
    "solver_by_pattern": Stage(
        ("main.py --epochs 1",),
        lambda: {"recordings.pt": pairs(8, normal(22, 12), label(4), label(3))},
        patches=(("main.py", "from nets import *", "from nets.models import *"),),
    ),
    "spawned_workers": WORKERS,
    "src_layout_relative_imports": Stage(
        ("scripts/train.py --epochs 2",),
        lambda: {
            "cora.pt": {"x": torch.rand(8, 32), "y": torch.arange(8) % 3, "edges": torch.randint(8, (2, 20)), "train_mask": torch.ones(8).bool()}
        },
        path=("src",),
    ),
    "star_args_forwarding": Stage(("train.py --epochs 1",), lambda: {"questions.pt": pairs(6, label(99, 5), label(99, 5), label(3))}),
    "subcommands": Stage(("words.py --net wide train words.pt --epochs 1",), lambda: {"words.pt": pairs(20, normal(40, 7), label(12))}),
    "super_forward_accelerate": Stage(("train_accelerate.py --epochs 1",), lambda: {"covertype.pt": table(8, x=normal(5), y=label(4))}),
    "threshold_in_metrics_file": Stage(
        ("train_nuclei.py", "show.py a.png"),
        lambda: {"nuclei.pt": batch(10, image(1, 16, 16), label(2, 1, 16, 16)), "best.pt": own_network("unet", "TinyUNet")},
        steps=3,
    ),
    "tuple_output_position": Stage(("train_gan.py --n_epochs 1",)),
    "vae_bce_on_linear": Stage(("vae.py --epochs 1",), raises=("between 0 and 1",)),
    "validation_in_eval_mode": Stage(
        ("train.py",),
        lambda: {
            f"{name}.npz": {"images": np.random.rand(6, 3, 8, 8), "labels": np.random.randint(4, size=(6, 8, 8))} for name in ("train", "valid")
        },
    ),
    "vgg_perceptual_index_list": Stage(because="the layers of torchvision's VGG, and its in-place ReLUs, are what the project is about"),
    "vgg_style_capture_loop": Stage(because="the layers of torchvision's VGG, and its in-place ReLUs, are what the project is about"),
    "vqvae_residual_stack": Stage(("main.py --n_updates 2",)),
}

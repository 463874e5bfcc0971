"""The same in Keras on torch, without tracking: `python keras_script.py WORK FOLDER`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import torch
from given import BATCH, EPOCHS, PARTS, RATE, READ, Texts
from keras import layers


def tower(x: keras.KerasTensor, one: int, three: int, five: int, proj: int) -> keras.KerasTensor:
    def conv(at: keras.KerasTensor, filters: int, size: int) -> keras.KerasTensor:
        return layers.Conv2D(filters, size, padding="same", activation="relu")(at)

    pooled = layers.MaxPooling2D(3, strides=1, padding="same")(x)
    return layers.Concatenate()([conv(x, one, 1), conv(conv(x, 16, 1), three, 3), conv(conv(x, 16, 1), five, 5), conv(pooled, proj, 1)])


def network(work: str) -> keras.Model:
    match work:
        case "cnn":
            images = layers.Input((8, 8, 1))
            x = layers.MaxPooling2D()(layers.Conv2D(16, 3, padding="same", activation="relu")(images))
            x = layers.MaxPooling2D()(layers.Conv2D(32, 3, padding="same", activation="relu")(x))
            return keras.Model(images, layers.Dense(10)(layers.Flatten()(x)))
        case "lstm":
            tokens = layers.Input((None,), dtype="int32")
            return keras.Model(tokens, layers.Dense(2)(layers.LSTM(128)(layers.Embedding(5_002, 64, mask_zero=True)(tokens))))
        case "inception":
            images = layers.Input((32, 32, 3))
            x = tower(layers.Conv2D(16, 3, padding="same", activation="relu")(images), 16, 24, 16, 16)
            x = layers.GlobalAveragePooling2D()(tower(layers.MaxPooling2D()(x), 32, 48, 32, 32))
            return keras.Model(images, layers.Dense(10)(x))
        case _:
            rows = layers.Input((20,))
            return keras.Model(rows, layers.Dense(2)(layers.Dense(64, activation="relu")(layers.Dense(64, activation="relu")(rows))))


def arrays(work: str, folder: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Inputs, channels last, texts padded to the longest, and labels."""
    found = {}
    for part, dataset in READ[work](folder).items():
        if isinstance(dataset, Texts):
            x = torch.nn.utils.rnn.pad_sequence(dataset.sequences, batch_first=True)
            found[part] = x.numpy(), dataset.labels.numpy()
        else:
            x, y = dataset.tensors
            found[part] = (x.permute(0, 2, 3, 1) if x.ndim == 4 else x).contiguous().numpy(), y.numpy()
    return {part: found[part] for part in PARTS}


def main(work: str, folder: Path) -> None:
    keras.utils.set_random_seed(0)
    torch.set_num_threads(1)
    parts = arrays(work, folder)
    model = network(work)
    kind = keras.optimizers.RMSprop(RATE[work], rho=0.99) if work == "lstm" else keras.optimizers.Adam(RATE[work])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=kind, loss=loss, metrics=["accuracy"])
    model.fit(*parts["train"], batch_size=BATCH[work], epochs=EPOCHS[work], validation_data=parts["valid"], verbose=0)
    found = model.evaluate(*parts["test"], batch_size=BATCH[work], verbose=0)
    print(json.dumps({"loss": found[0], "accuracy": found[1]}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

"""Names that other libraries have for what a spec can say. Loaded only when a name is not one of ours."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from itertools import takewhile
from typing import Any

from nnrun.registry.catalog import all_of, find
from nnrun.runner.compiler.text.diagnostic import Path
from nnrun.runner.compiler.text.source import plain
from nnrun.runner.compiler.text.words import folded, written

_FOLLOWS = "leave it out: how much comes in follows from the edges"

_NODES = {
    "dense": "linear", "fullyconnected": "linear", "fc": "linear", "mlp": "linear", "affine": "linear", "lineartransform": "linear",
    "timedistributed": "a node runs at every tick by itself: leave the wrapper away",
    "convolution": "conv", "separableconv": "{type: conv, groups: CHANNELS, filters: CHANNELS}",
    "depthwiseconv": "{type: conv, groups: CHANNELS, filters: CHANNELS}",
    "convtranspose": "conv_transpose", "transposedconv": "conv_transpose", "transposedconvolution": "conv_transpose",
    "deconv": "conv_transpose", "deconvolution": "conv_transpose", "upsampling": "upsample", "interpolate": "upsample",
    "upsamplingnearest": "upsample", "upsamplingbilinear": "{type: upsample, method: bilinear}",
    "maxpool": "{type: pool, method: max}", "maxpooling": "{type: pool, method: max}",
    "avgpool": "{type: pool, method: mean}", "averagepooling": "{type: pool, method: mean}", "averagepool": "{type: pool, method: mean}",
    "meanpool": "{type: pool, method: mean}",
    "globalaveragepooling": "{type: global_pool, method: mean}", "globalavgpool": "{type: global_pool, method: mean}",
    "adaptiveavgpool": "{type: global_pool, method: mean}", "globalmaxpooling": "{type: global_pool, method: max}",
    "globalmaxpool": "{type: global_pool, method: max}", "adaptivemaxpool": "{type: global_pool, method: max}",
    "batchnormalization": "batch_norm", "batchnorm": "batch_norm", "bn": "batch_norm", "layernormalization": "layer_norm",
    "layernorm": "layer_norm", "spatialdropout": "dropout", "alphadropout": "dropout",
    "simplernn": "rnn", "elman": "rnn", "vanillarnn": "rnn", "recurrent": "rnn", "lstmcell": "lstm", "cudnnlstm": "lstm", "grucell": "gru",
    "rnncell": "rnn", "bilstm": "{type: lstm, bidirectional: true}", "bigru": "{type: gru, bidirectional: true}",
    "bidirectional": "write `bidirectional: true` in the cell itself", "peepholelstm": "{type: lstm, peephole: true}",
    "embeddingbag": "embedding", "lookup": "embedding", "onehotencoding": "one_hot", "categoryencoding": "one_hot",
    "multiheadattention": "attention", "additiveattention": "attention", "dotproductattention": "attention", "attn": "attention",
    "selfattention": "attention", "transformer": "draw it of `attention`, `add`, `layer_norm` and `linear` nodes; a block repeats it",
    "concatenate": "concat", "cat": "concat", "merge": "concat", "join": "concat", "sum": "add", "plus": "add", "residual": "add",
    "mul": "multiply", "product": "multiply", "mult": "multiply", "gate": "multiply", "minus": "subtract", "sub": "subtract",
    "lambda": "formula", "expression": "formula", "function": "formula", "math": "formula",
    "permute": "reshape", "view": "reshape", "unflatten": "reshape", "repeatvector": "repeat",
    "relu": "{type: activation, function: relu}", "tanh": "{type: activation, function: tanh}",
    "sigmoid": "{type: activation, function: sigmoid}", "softmax": "{type: activation, function: softmax}",
    "gelu": "{type: activation, function: gelu}", "elu": "{type: activation, function: elu}",
    "nonlinearity": "activation",
    "input": "fields of the data are the inputs: an edge starts at the name of a field",
    "inputlayer": "fields of the data are the inputs: an edge starts at the name of a field",
    "output": "a network has no output node: a loss names the node that it judges",
    "timeconvolution": "conv_time", "temporalconvolution": "conv_time", "tdnn": "conv_time", "causalconvolution": "causal_conv",
    "tcn": "a stack of `causal_conv` nodes, each with twice the `dilation` of the one before", "dilatedconvolution": "causal_conv",
    "wavenet": "a stack of `causal_conv` nodes, each with twice the `dilation` of the one before",
    "positionalencoding": "position", "positionencoding": "position", "sinusoidalencoding": "position", "sinusoidal": "position",
    "positionalembedding": "{type: position, method: learned}", "positionembedding": "{type: position, method: learned}",
    "laststep": "last", "lasttick": "last", "globalaveragepoolingtime": "pool_time", "meanovertime": "pool_time",
    "rollingwindow": "window", "unfold": "window", "lag": "window", "ema": "ewma", "movingaverage": "ewma",
    "bernoulli": "binary_units", "bernoulliunits": "binary_units", "visible": "binary_units", "ising": "bipolar_units",
    **dict.fromkeys(
        ["resnet", "resnext", "vgg", "densenet", "mobilenet", "efficientnet", "alexnet", "squeezenet", "googlenet", "vit", "unet",
         "bert", "gpt", "backbone", "pretrained", "hub", "timm", "torchvision"],
        "no network comes ready-made or with trained weights: draw it of nodes, such as `conv`, `batch_norm` and `add`, in a block "
        "that is used again and again; `weights: run:ID` in a node takes those of a run of your own"),
    "spin": "bipolar_units", "gaussian": "gaussian_units", "categorical": "categorical_units", "argmax": "choice", "decoder": "choice",
    "ctcdecode": "transcript", "ctcdecoder": "transcript", "ctcgreedydecoder": "transcript", "ctcbeamsearchdecoder": "transcript",
}  # fmt: skip

_FIELDS = {
    "label": "category", "class": "category", "classes": "category", "categorical": "category", "categories": "category",
    "enum": "category", "factor": "category", "bool": "category", "boolean": "category", "target": "category",
    "float": "number", "float32": "number", "int": "number", "integer": "number", "numeric": "number", "real": "number",
    "scalar": "number", "double": "number", "continuous": "number",
    "numbers": "vector", "features": "vector", "array": "vector", "tensor": "vector", "floats": "vector", "tabular": "vector",
    "string": "text", "str": "text", "sentence": "text", "words": "text", "tokens": "text", "document": "text",
    "picture": "image", "photo": "image", "pixels": "image", "img": "image", "film": "video", "movie": "video", "frames": "video",
    "segmentation": "mask", "segmentationmask": "mask", "labelmap": "mask",
    "timeseries": "series", "sequence": "series", "signal": "series", "temporal": "series",
    "datetime": "date", "timestamp": "date", "calendar": "date", "day": "date",
}  # fmt: skip

_SOURCES = {
    "mnist": "mnist_sample", "imdb": "movie_reviews", "sklearndigits": "digits", "loaddigits": "digits", "loadiris": "iris",
    "tsv": "csv", "table": "csv", "excel": "csv", "numpy": "npz", "npy": "npz", "txt": "text", "folder": "image_folder",
    "imagefolder": "image_folder", "images": "image_folder",
}  # fmt: skip

_LOSSES = {
    "ctcloss": "ctc", "connectionisttemporalclassification": "ctc",
    "crossentropyloss": "cross_entropy", "ce": "cross_entropy", "nll": "cross_entropy", "nllloss": "cross_entropy",
    "softmaxcrossentropy": "cross_entropy", "categoricalcrossentropy": "cross_entropy", "logloss": "cross_entropy",
    "sparsecategoricalcrossentropy": "cross_entropy", "negativeloglikelihood": "cross_entropy", "softmax": "cross_entropy",
    "focalloss": "focal", "sigmoidfocalloss": "focal", "pinball": "quantile", "pinballloss": "quantile", "quantileloss": "quantile",
    "bce": "binary_cross_entropy", "bceloss": "binary_cross_entropy", "bcewithlogits": "binary_cross_entropy",
    "bcewithlogitsloss": "binary_cross_entropy", "binarycrossentropyloss": "binary_cross_entropy",
    "mseloss": "mse", "meansquarederror": "mse", "l2": "mse", "l2loss": "mse", "squarederror": "mse",
    "l1": "mae", "l1loss": "mae", "meanabsoluteerror": "mae", "smoothl1": "huber", "smoothl1loss": "huber", "huberloss": "huber",
}  # fmt: skip

_METRICS = {
    "acc": "accuracy", "categoricalaccuracy": "accuracy", "sparsecategoricalaccuracy": "accuracy", "binaryaccuracy": "accuracy",
    "top5": "{type: top_k_accuracy, k: 5}", "topk": "top_k_accuracy", "f1score": "f1", "fscore": "f1", "auc": "auroc",
    "rocauc": "auroc", "aucroc": "auroc", "prauc": "average_precision", "ap": "average_precision", "meansquarederror": "mse",
    "meanabsoluteerror": "mae", "rootmeansquarederror": "rmse", "r2score": "r2", "rsquared": "r2", "mcc": "matthews",
    "matthewscorrcoef": "matthews", "kappa": "cohen_kappa", "ece": "calibration_error", "ppl": "perplexity",
    "bpc": "bits_per_character", "em": "exact_match", "wer": "word_error_rate", "cer": "character_error_rate",
    "bleuscore": "bleu", "sensitivity": "recall", "truepositiverate": "recall", "correlation": "pearson", "nll": "log_loss",
    "crossentropy": "log_loss", "iou": "mean_iou", "miou": "mean_iou", "jaccard": "mean_iou", "jaccardindex": "mean_iou",
    "loss": "the loss is measured by itself, as `valid/loss`: leave it out",
}  # fmt: skip

_OPTIMIZERS = {"gradientdescent": "sgd", "gd": "sgd", "momentum": "{type: sgd, momentum: 0.9}", "nesterov":
    "{type: sgd, momentum: 0.9, nesterov: true}", "adamoptimizer": "adam", "rms": "rmsprop"}  # fmt: skip

_SCHEDULES = {
    "cosineannealing": "cosine", "cosineannealinglr": "cosine", "cosinedecay": "cosine", "steplr": "step", "multisteplr": "step",
    "exponentiallr": "exponential", "exponentialdecay": "exponential", "lineardecay": "linear", "linearlr": "linear",
    "onecyclelr": "one_cycle", "noam": "inverse_sqrt", "polynomialdecay": "polynomial", "polynomiallr": "polynomial",
    "none": "constant",
    **dict.fromkeys(["reducelronplateau", "plateau"], "reduce_on_plateau"),
}  # fmt: skip

_LEARNERS = {
    "cd": "contrastive_divergence", "cd1": "contrastive_divergence", "cdk": "contrastive_divergence", "rbm": "contrastive_divergence",
    "pcd": "{type: contrastive_divergence, persistent: true}", "hebb": "hebbian", "hopfield": "hebbian", "pinv": "pseudo_inverse",
    "projection": "pseudo_inverse", "backpropagation": "backprop", "bptt": "backprop", "gradient": "backprop", "sgd": "backprop",
}  # fmt: skip

TYPES: Mapping[str, Mapping[str, str]] = {
    "node": _NODES, "field": _FIELDS, "source": _SOURCES, "loss": _LOSSES, "metric": _METRICS, "optimizer": _OPTIMIZERS,
    "schedule": _SCHEDULES, "learner": _LEARNERS,
}  # fmt: skip
"""By role and name elsewhere: our type, a mapping with it, or a sentence."""

KEYS: Mapping[str, tuple[str, ...]] = {
    "outchannels": ("filters",), "outputchannels": ("filters",), "numfilters": ("filters",), "nfilters": ("filters",),
    "features": ("units", "filters", "fields"), "kernelsize": ("kernel", "size"), "filtersize": ("kernel",), "ksize": ("kernel",),
    "strides": ("stride",), "pad": ("padding",), "dilationrate": ("dilation",), "poolsize": ("size",), "kernel": ("size",),
    "window": ("length",),
    "windowsize": ("length", "size"), "outfeatures": ("units",), "outputdim": ("units",), "outputsize": ("units",),
    "size": ("units", "length"),
    "hiddensize": ("units",), "hiddendim": ("units",), "hiddenunits": ("units",), "numunits": ("units",), "nunits": ("units",),
    "neurons": ("units",), "dim": ("units",), "width": ("units",), "embeddingdim": ("units",), "embeddim": ("units",),
    "numlayers": ("layers",), "nlayers": ("layers",), "depth": ("layers",), "p": ("rate",), "prob": ("rate",), "probability": ("rate",),
    "dropoutrate": ("rate", "dropout"), "usebias": ("bias",), "nonlinearity": ("activation", "function"), "act": ("activation",),
    "activationfunction": ("activation", "function"), "fn": ("function",), "activation": ("function",), "kind": ("type", "method"),
    "kernelinitializer": ("init",), "initializer": ("init",), "weightinit": ("init",), "trainable": ("freeze",), "frozen": ("freeze",),
    "numheads": ("heads",), "nheads": ("heads",), "shape": ("to", "size"), "targetshape": ("to",), "axes": ("to",),
    "expression": ("is",), "formula": ("is",), "equation": ("is",), "expr": ("is",), "mode": ("method",), "pooltype": ("method",),
    "learningrate": ("lr",), "stepsize": ("lr",), "eta": ("lr",), "alpha": ("lr",), "epsilon": ("eps",), "decay": ("weight_decay",),
    "beta": ("betas",), "ytrue": ("target",), "label": ("target",), "labels": ("target",), "truth": ("target",), "y": ("target",),
    "ypred": ("input",), "prediction": ("input",), "predictions": ("input",), "logits": ("input",), "output": ("input",),
    "pred": ("input",), "outputs": ("input",), "numepochs": ("epochs",), "nepochs": ("epochs",), "maxepochs": ("epochs",),
    "iterations": ("steps",), "maxsteps": ("steps",), "numsteps": ("steps",), "maxiter": ("steps", "iterations"), "niter": ("steps",),
    "batch": ("batch_size",), "batchsize": ("batch_size",), "bs": ("batch_size",), "minibatch": ("batch_size",),
    "criterion": ("loss",), "lossfunction": ("loss",), "lossfn": ("loss",), "objective": ("loss",), "optim": ("optimizer",),
    "solver": ("optimizer",), "scheduler": ("schedule",), "lrscheduler": ("schedule",), "lrschedule": ("schedule",),
    "gradclip": ("clip_norm",), "gradientclip": ("clip_norm",), "clipgradnorm": ("clip_norm",), "maxgradnorm": ("clip_norm",),
    "clipnorm": ("clip_norm",), "gradientclipval": ("clip_norm",), "clipvalue": ("clip_norm",), "clipgradient": ("clip_norm",),
    "gradientclipping": ("clip_norm",), "randomseed": ("seed",), "randomstate": ("seed",),
    "bptt": ("truncate",), "stateful": ("carry_state",), "numthreads": ("threads",), "mixedprecision": ("precision",),
    "amp": ("precision",), "dtype": ("precision",), "earlystop": ("early_stopping",), "regularization": ("regularize",),
    "l1regularization": ("l1",), "l2regularization": ("l2",), "mindelta": ("min_delta",), "minimumdelta": ("min_delta",), "rho": ("decay",),
    "posweight": ("positive_weights",), "posweights": ("positive_weights",), "scaleposweight": ("positive_weights",),
    "historysize": ("history",), "linesearchfn": ("line_search",),
    "sampleweight": ("example_weights",), "sampleweights": ("example_weights",), "weightby": ("example_weights",),
    "ema": ("average",), "emadecay": ("average",), "useema": ("average",), "swa": ("average",), "weightaveraging": ("average",),
    "layers": ("nodes",), "model": ("nodes",), "network": ("nodes",), "architecture": ("nodes",), "modules": ("nodes",),
    "connections": ("edges",), "links": ("edges",), "arrows": ("edges",), "graph": ("edges",), "wiring": ("edges",),
    "training": ("train",), "trainer": ("train",), "fit": ("train",), "dataset": ("data", "source"), "datasets": ("data",),
    "metric": ("metrics",), "evaluation": ("metrics",), "title": ("name",), "experiment": ("name",), "version": ("nnrun",),
    "decoding": ("decode",), "generate": ("decode",), "tracking": ("track",), "logging": ("track",), "mlflow": ("track",),
    "components": ("blocks",), "templates": ("blocks",), "functions": ("blocks",), "params": ("parameters", "with"),
    "args": ("with",), "arguments": ("with",), "parameters": ("with",), "inputs": ("fields",), "columns": ("fields",),
    "path": ("file",), "filename": ("file",), "filepath": ("file",), "paths": ("files",), "sep": ("delimiter",),
    "separator": ("delimiter",), "delim": ("delimiter",), "charset": ("encoding",), "splits": ("split",),
    "windows": ("window",), "sequencelength": ("length", "max_length"), "seqlen": ("length", "max_length"), "lookback": ("length",),
    "seqlength": ("length", "max_length"), "forecasthorizon": ("horizon",), "ahead": ("horizon",), "step": ("stride",),
    "maxlen": ("max_length",), "maxtokens": ("max_length", "vocabulary"), "vocabsize": ("vocabulary",), "numwords": ("vocabulary",),
    "maxfeatures": ("vocabulary",), "tokenizer": ("tokens",), "normalization": ("normalize",), "scale": ("normalize",),
    "scaling": ("normalize",), "standardize": ("normalize",), "augmentation": ("augment",), "beamwidth": ("width",),
    "numbeams": ("width",), "beams": ("width",), "beamsize": ("width",), "strategy": ("search",), "topk": ("top_k",),
    "testsize": ("test",), "valsize": ("valid",), "validation": ("valid",), "val": ("valid",), "dev": ("valid",),
    "from": ("edge",), "k": ("steps", "k"), "cdsteps": ("steps",), "gibbssteps": ("steps",), "num": ("units",), "n": ("units",),
}  # fmt: skip
"""By a key's name elsewhere: what it may be called here, by what the holder takes."""

PLACES: Mapping[str, Path] = {
    "validationsplit": ("data", "split", "valid"), "validsplit": ("data", "split", "valid"), "valsplit": ("data", "split", "valid"),
    "validationfraction": ("data", "split", "valid"), "testsplit": ("data", "split", "test"), "testfraction": ("data", "split", "test"),
    "stratified": ("data", "split", "stratify"), "stages": ("train",), "phases": ("train",),
}  # fmt: skip
"""By a key's name elsewhere: where it stands here."""

NEEDLESS: Mapping[str, str] = {
    "inchannels": _FOLLOWS, "infeatures": _FOLLOWS, "inputshape": _FOLLOWS, "inputdim": _FOLLOWS, "inputsize": _FOLLOWS,
    "inputunits": _FOLLOWS, "inputchannels": _FOLLOWS, "batchinputshape": _FOLLOWS, "numfeatures": _FOLLOWS, "input": _FOLLOWS,
    "indim": _FOLLOWS, "nin": _FOLLOWS,
    "numembeddings": "leave it out: the text's `vocabulary`, or the classes of the field, say it",
    "returnsequences": "leave it out: a cell gives its value at every tick. For that of the last tick alone lead its edge through a `last` "
    "node, where none is there yet: `end: {type: last}` under `nodes`, and `CELL -> end -> NODE` for `CELL -> NODE`",
    "returnstate": "leave it out: an edge reads `CELL.state`",
    "batchfirst": "leave it out: the order of the axes is no matter of a spec", "inplace": "leave it out: it changes no result",
    "numclasses": "leave it out: the classes are those of the field; `units: FIELD` gives as many",
    "nclasses": "leave it out: the classes are those of the field; `units: FIELD` gives as many",
    "fromlogits": "leave it out: losses take scores, and softmax or sigmoid is theirs",
    "verbose": "leave it out: `--quiet` on the command line shows less",
    "gpu": "write `device: cuda` under `train`", "cuda": "write `device: cuda` under `train`",
    "numworkers": "leave it out: data is read before the training",
    "callbacks": "leave it out: `early_stopping` under `train` stops early, and the best weights are kept",
}  # fmt: skip
"""By a key's name elsewhere: what makes it needless here."""

DONE_BY: Mapping[tuple[str, str], str] = {
    ("momentum", "betas"): "leave it out: the first of `betas` is its momentum, 0.9 where left out",
    ("beta1", "betas"): "write both as `betas: [0.9, 0.999]`", ("beta2", "betas"): "write both as `betas: [0.9, 0.999]`",
    ("normalize", "classes"): "leave it out: names have no scale",
    ("nesterov", "betas"): "leave it out: the first of `betas` is its momentum",
}  # fmt: skip
"""By a key's name elsewhere and an option that the holder has: what does the same here."""

_SUFFIXES = {
    ".csv": "csv", ".tsv": "csv", ".txt": "text", ".md": "text", ".parquet": "parquet", ".pq": "parquet", ".npz": "npz",
}  # fmt: skip


def type_help(role: str, name: str) -> str | None:
    """What a type of another library is called here; None for one that is not known."""
    if role == "source" and (help := _file_help(name)):
        return help
    bare = re.sub(r"^.*\.", "", name)
    words = (bare, re.sub(r"[123][dD]$", "", bare), re.sub(r"\d.*$", "", bare))  # `Conv2D`, `resnet18`, `resnet50_v2`
    ours = next((ours for word in words if (ours := TYPES[role].get(folded(word)))), None)
    if ours is None:
        return None
    if ours.startswith("{"):
        return f"`{bare}` is written `{ours}` here"
    return ours if " " in ours else f"`{bare}` is called `{ours}` here"


def component_here(role: str, given: Mapping[str, Any]) -> str | None:
    """A component of another library with options by other names, as a spec writes it; None where only its type is called otherwise."""
    bare = re.sub(r"^.*\.", "", str(given["type"]))
    own = {folded(kind): kind for kind in all_of(role)}
    words = [folded(word) for word in (bare, re.sub(r"[123][dD]$", "", bare))]
    ours = next((ours for word in words if (ours := TYPES.get(role, {}).get(word) or own.get(word))), "")
    held = plain_form(ours)
    cls = find(role, held["type"])
    if cls is None:
        return None
    names = [info.alias or key for key, info in cls.model_fields.items()]
    options = {key: value for key, value in given.items() if key != "type"}
    if all(key in names for key in options):
        return None
    for key, value in options.items():
        if key in names or folded(key) not in NEEDLESS:
            held.setdefault(key if key in names else key_here(key, names) or key, value)
    return written({**held, "type": cls.type_name()}, 200)


def node_called(name: str) -> str | None:
    """The entry of a node that is called by its type, `relu` or `maxpool2`, with what must be said of it."""
    word = re.sub(r"_?\d+$", "", name)
    ours = TYPES["node"].get(folded(word)) or next((kind for kind in all_of("node") if folded(kind) == folded(word)), "")
    held = plain_form(ours)
    cls = find("node", held["type"]) if "type" in held else None
    if cls is None:
        return None
    needed = [info.alias or key for key, info in cls.model_fields.items() if info.is_required()]
    return f"{{{', '.join([*(f'{key}: {value}' for key, value in held.items()), *(f'{key}: …' for key in needed if key not in held)])}}}"


def plain_form(ours: str) -> dict[str, Any]:
    """One of our types, or a mapping with it, as a value."""
    entries = [entry.split(": ") for entry in ours.strip("{}").split(", ")] if ours.startswith("{") else [["type", ours]]
    return {key: plain(value) for key, value in entries}


def key_here(key: str, names: Collection[str]) -> str | None:
    """Which of the names a key of another library stands for."""
    return next((ours for ours in KEYS.get(folded(key), ()) if ours in names), None)


def _file_help(name: str) -> str | None:
    suffix = next((suffix for suffix in _SUFFIXES if name.lower().endswith(suffix)), None)
    if suffix is not None:
        tab = ', and `delimiter: "\\t"`' if suffix == ".tsv" else ""
        return f"write `source: {_SUFFIXES[suffix]}` and beside it `file: {name}`{tab}"
    if "/" in name:
        folder = "".join(takewhile(lambda sign: sign != "*", name))
        return f"write `source: image_folder` and beside it `folder: {folder}`, or name the source of a file: `source: csv`"
    return None

#!/usr/bin/env python3
"""mlp.tabular beside scikit-learn's MLPClassifier and MLPRegressor with their defaults, on the same rows:

    MLP_DATA=folder python3 bench/tabular.py [table ...]      (from the checkout, after `make`)

Five splits of 80 to 20 per table (seeds 1 to 5, classes in proportion). scikit-learn gets the inputs as they are
and, as a stronger rival, scaled by StandardScaler; mlp.tabular gets the same training rows as a CSV file. Accuracy
on the test rows, for diabetes R2: mean and deviation over the five. Ends with status 1 where mlp.tabular is below
the better of the two by more than that one's deviation."""
import gzip
import os
import subprocess
import sys
import warnings

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")  # the defaults do not converge in 200 iterations
FOLDER = os.path.join(os.environ.get("MLP_DATA", "."), "tabular")
SEEDS = [1, 2, 3, 4, 5]
SKIPPED = {"iris": 1, "wine_data": 1, "breast_cancer": 1, "satellite": 1, "vowel": 1}
LUA = dict(os.environ, LUA_PATH_5_4="lua/?.lua;lua/?/init.lua;;", LUA_CPATH_5_4="build/?.so;;")


def table(name):
    """Inputs and targets."""
    if name == "diabetes":
        with gzip.open(os.path.join(FOLDER, "diabetes_data_raw.csv.gz")) as f:
            x = np.loadtxt(f)
        with gzip.open(os.path.join(FOLDER, "diabetes_target.csv.gz")) as f:
            return x, np.loadtxt(f)
    cells = np.genfromtxt(os.path.join(FOLDER, name + ".csv"), delimiter=",", dtype=str, skip_header=SKIPPED[name])
    return cells[:, :-1].astype(float), np.char.strip(cells[:, -1], '"')


def write(path, x, y):
    with open(path, "w") as f:
        f.write(",".join(f"x{k}" for k in range(1, x.shape[1] + 1)) + ",target\n")
        for row, target in zip(x, y):
            f.write(",".join(f"{v:.17g}" for v in row) + f",{target}\n")


def ours(train, test, seed, task):
    command = ["lua5.4", "bench/tabular.lua", train, test, str(seed), task]
    return float(subprocess.run(command, env=LUA, check=True, capture_output=True, text=True).stdout)


def scores(name):
    """One row per seed: scikit-learn as it is, scikit-learn on scaled inputs, ours."""
    x, y = table(name)
    is_class = name != "diabetes"
    kind = MLPClassifier if is_class else MLPRegressor
    for seed in SEEDS:
        parts = train_test_split(x, y, test_size=0.2, random_state=seed, stratify=y if is_class else None)
        x_train, x_test, y_train, y_test = parts
        paths = [f"out/tabular_{part}.csv" for part in ("train", "test")]
        write(paths[0], x_train, y_train)
        write(paths[1], x_test, y_test)
        plain = kind(random_state=seed).fit(x_train, y_train).score(x_test, y_test)
        scaled = make_pipeline(StandardScaler(), kind(random_state=seed)).fit(x_train, y_train).score(x_test, y_test)
        yield plain, scaled, ours(*paths, seed, "classification" if is_class else "regression")


def main():
    os.makedirs("out", exist_ok=True)
    below = False
    print(f"{'table':15} {'scikit-learn':>17} {'scaled':>17} {'mlp.tabular':>17}")
    for name in sys.argv[1:] or [*SKIPPED, "diabetes"]:
        rows = np.array(list(scores(name)))
        mean, std = rows.mean(0), rows.std(0)
        best = int(mean[:2].argmax())
        fine = mean[2] >= mean[best] - std[best]
        below = below or not fine
        cells = "".join(f" {m:8.4f} ± {s:6.4f}" for m, s in zip(mean, std))
        print(f"{name:15}{cells}  {'' if fine else 'below'}", flush=True)
    sys.exit(1 if below else 0)


if __name__ == "__main__":
    main()

# %% Load
from pathlib import Path

rows = [line.split(",") for line in Path("stations.csv").read_text().splitlines()]
print(len(rows), "stations")


# %% Height of each station
def height(row):
    return float(row[2])


def mean_height(rows):
    total = 0.0
    for row in rows:
        total += height(row)
    return total / len(rows)


mean_height(rows)

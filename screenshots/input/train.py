# %% Train
from time import sleep

from tqdm import tqdm

print("24 batches an epoch")
for epoch in range(3):
    bar = tqdm(range(24), f"epoch {epoch + 1}", ncols=56)
    for batch in bar:
        sleep(0.02 if epoch < 2 or batch < 15 else 600)

# %% Evaluate
score = 0.93
score

# %% Report
print(f"{score:.0%} right")

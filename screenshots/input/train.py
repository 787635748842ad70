# %% Train
from time import sleep

from tqdm.auto import tqdm

print("24 batches an epoch")
for epoch in range(3):
    for batch in tqdm(range(24), desc=f"epoch {epoch + 1}"):
        sleep(0.002 if epoch < 2 or batch < 15 else 600)

# %% Evaluate
score = 0.93
score

# %% Report
print(f"{score:.0%} right")

# %% A year of weather
import numpy as np
import pandas as pd

rng = np.random.default_rng(7)
day = pd.date_range("2025-01-01", periods=365)
season = 10 - 9 * np.cos(2 * np.pi * (day.day_of_year - 20) / 365)
weather = pd.DataFrame(
    {
        "degrees": (season + rng.normal(0, 2.5, 365)).round(1),
        "rain": rng.gamma(0.6, 4.0, 365).round(1),
        "wind": rng.weibull(2.0, 365).round(2) * 14,
    },
    index=day,
)
weather.head(6)

# %% Plot
import matplotlib.pyplot as plt

grey = "#808890"  # reads on dark and on light
plt.rcParams |= {"text.color": grey, "axes.edgecolor": grey, "figure.facecolor": "none"}
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
axes.set_facecolor("none")
axes.tick_params(colors=grey)
axes.plot(day, weather.degrees, lw=1, color="#2fa89a", alpha=0.7)
axes.plot(day, weather.degrees.rolling(30).mean(), lw=4, color="#d99a3d")
plt.show()

# %% Months
weather.groupby(day.month_name(), sort=False).agg(["mean", "max"]).round(1)

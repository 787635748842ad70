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

plt.style.use("dark_background")
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
figure.set_facecolor("none")
axes.set_facecolor("none")
axes.plot(day, weather.degrees, lw=1, color="#5ddbc8", alpha=0.6)
axes.plot(day, weather.degrees.rolling(30).mean(), lw=4, color="#e3c676")
axes.set_title("Degrees, and their mean of 30 days", fontsize=15)
plt.show()

# %% Months
weather.groupby(day.month_name(), sort=False).agg(["mean", "max"]).round(1)

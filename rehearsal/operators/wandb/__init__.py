"""Stand-in for W&B's operator 1.22 and for the chart `operator-wandb` 0.43.8 that it installs."""

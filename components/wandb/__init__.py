"""W&B itself: its operator, the WeightsAndBiases resource, and the proof that it answers.

inventory     which components of W&B's chart serve which product, and where they say that they are ready
chart         where a chart comes from
operator      W&B's operator, by Helm
secrets       the licence and Weave's worker token
bucket        how the chart wants a bucket written down
values        the values of W&B's chart: a pure function
instance      the WeightsAndBiases resource
verification  the Job that ends when W&B answers; what it runs is in verify.sh
wandb         joins them
"""

from .values import ComponentSizing
from .wandb import Versions, WandB, WandBArgs

__all__ = ["ComponentSizing", "Versions", "WandB", "WandBArgs"]

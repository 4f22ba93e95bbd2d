"""From a PPO checkpoint to every figure of the Minetester interpretability post, rebuilt and checked."""

"""The policy and what it reads and puts out: network, checkpoint, frames, labels, actions, objectives."""

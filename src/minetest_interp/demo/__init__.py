"""The demo study: its embedded frames, the steering rule, and the policy trained to imitate that rule."""

"""The endpoint at which a player on the shop's own network hears which clip to show. It tells a clip, nothing else."""

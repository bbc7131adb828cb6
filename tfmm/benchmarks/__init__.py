"""Speed of every stage, as ratios to a reference measured in the same run."""

"""The page: outputs and rendered Markdown between the cells of an editor."""

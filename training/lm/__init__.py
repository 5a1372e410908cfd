"""A small Qwen3 of our own: restores case and punctuation, and fills summary templates. See README.md."""

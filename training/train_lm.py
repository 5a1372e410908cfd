"""Trains the language model: `python3 -m training.train_lm --minutes 20 --device cuda --out FOLDER`.

The work is in `training/lm/train.py`; this module imports nothing, because every worker process imports it
again.
"""

if __name__ == "__main__":
    from training.lm.train import main

    main()

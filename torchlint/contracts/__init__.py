"""What do the functions and modules of torch take and give? The answers are data, in the *.toml files of this package.

    from torchlint.contracts.table import load
    load().call("torch.softmax").gives    # "probabilities"

schema.py is their grammar, reading.py reads them and a user's own, checking.py says what is wrong with those, table.py answers by name.
"""

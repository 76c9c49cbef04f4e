"""What the fixture projects need to run: see tests/support/staging.py."""

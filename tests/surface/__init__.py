"""What others see of Obzvon, written down so that two checkouts can be compared.

`python -m surface write TREE INTO` drives the commands and processes of a checkout from outside
and writes what they show into the folder INTO; `python -m surface compare ONE OTHER` compares two
such folders. Nothing of the checkout is imported here, so both may lay out their modules as they
like. What is random or of this moment has its place taken by a name in angle brackets.
"""

# file: apdu/piv_sign.c
# rule: 3
# One PIN stands for two signatures.
s/^        card->piv.verified = false;//

# file: apdu/piv_sign.c
# rule: 6
# The key that makes assertions signs what an app padded.
s/(!method->raw || card->raw_signature)/true/

# file: apdu/piv_renew.c
# rule: 3
# The right to send outlives the command.
s/card->piv.counter_seen = card->piv.counter_told = card->piv.verified = false;/card->piv.verified = false;/

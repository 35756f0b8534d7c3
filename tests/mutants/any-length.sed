# file: apdu/pin.c
# rule: 2
# A PIN of any length is sent.
s/if (len < format->min || len > format->max || /if (/

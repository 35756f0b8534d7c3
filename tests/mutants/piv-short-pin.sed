# file: apdu/piv.h
# rule: 2
# A PIN may have five digits.
s/define PIV_PIN_MIN   6/define PIV_PIN_MIN   5/

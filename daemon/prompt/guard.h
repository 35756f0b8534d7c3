/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h: leaves the holder's terminal as it was, however the prompt ends.
 *
 * A pinentry on a terminal switches echo off. When the client hangs up, mohr-prompt is killed and
 * pinentry with it, and nobody would switch it on again. So a tiny process of its own session waits
 * for the end of mohr-prompt (end of file on a pipe), gives pinentry 300 ms to follow, kills it if it
 * does not, and restores the terminal's modes if nobody but pinentry changed them meanwhile. It also
 * kills a pinentry whose terminal was closed: not each notices. It is
 * forked before a PIN exists and holds nothing else open.
 */
#ifndef MOHR_PROMPT_GUARD_H
#define MOHR_PROMPT_GUARD_H

#include "base/base.h"
#include <sys/types.h>

/* Returns the pipe's end that keeps the guard waiting, or a negative errno. `tty` may be "". */
_must_check_ int guard_start(pid_t pinentry, const char *tty);
void guard_dismiss(int fd); /* all ended well: the guard just goes */

#endif

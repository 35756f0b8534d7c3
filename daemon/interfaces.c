/* SPDX-License-Identifier: Apache-2.0 */
/* interfaces.c: see interfaces.h. The assembler copies the files in, so that what introspection tells
 * is the reviewed file itself; no generator, no second copy. Paths are from the root of the tree,
 * where the compiler runs.
 */
#include "daemon/interfaces.h"

#define EMBED(symbol, file)                                                                        \
        __asm__(".pushsection .rodata\n"                                                           \
                ".globl " #symbol "\n" #symbol ":\n"                                               \
                ".incbin \"" file "\"\n"                                                           \
                ".byte 0\n"                                                                        \
                ".popsection\n")

EMBED(interface_mohr_identity, "daemon/mohr.Identity.varlink");
EMBED(interface_mohr_person, "daemon/mohr.Person.varlink");
EMBED(interface_mohr_documents, "daemon/mohr.Documents.varlink");
EMBED(interface_mohr_keys, "daemon/mohr.Keys.varlink");
EMBED(interface_org_varlink_service, "daemon/org.varlink.service.varlink");

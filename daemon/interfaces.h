/* SPDX-License-Identifier: Apache-2.0 */
/* interfaces.h: the texts of the .varlink files this daemon serves, as they stand in the tree. */
#ifndef MOHR_INTERFACES_H
#define MOHR_INTERFACES_H

extern const char interface_mohr_identity[];
extern const char interface_mohr_person[];
extern const char interface_mohr_documents[];
extern const char interface_mohr_keys[];
extern const char interface_org_varlink_service[];

#endif

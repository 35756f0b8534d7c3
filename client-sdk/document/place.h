/* SPDX-License-Identifier: Apache-2.0 */
/* place.h: where on a page a stamp lies. */
#ifndef MOHR_DOCUMENT_PLACE_H
#define MOHR_DOCUMENT_PLACE_H

#include "client-sdk/document/paper.h"

struct place {
        double rectangle[4]; /* left, bottom, right, top, in the page's own coordinates */
        int matrix[6];       /* turns the stamp so that it stands upright as the page is seen */
};

/* x and y are those of its lower left corner, from that of the page as it is seen. "page" if it does not lie on it. */
_must_check_ int place_on_page(const struct paper *paper, qpdf_oh page, const int at[static 2],
        const int size[static 2], struct place *ret, struct verdict *verdict);

#endif

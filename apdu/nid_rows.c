/* SPDX-License-Identifier: Apache-2.0 */
/* nid_rows.c: the tables of nid.h, typed in from card-facts 1.1, 1.4, 1.5, 2.1 to 2.6 and 4.3.
 *
 * The evidence mark of a generation is that of its weakest part that matters for detection and
 * reading; signing is tier C for all of them (7.3) and the caller's gate knows that. Rows that are
 * not supported are looked at and never meet a command of the PIN family: Pardis because only the way
 * to its certificate is published (tier D), Omid because less than that is, "Mav, unknown" by 7.2 rule 13, IAS alone because it is
 * some other country's card until shown otherwise (1.5 step 4).
 */
#include "apdu/nid.h"

const struct nid_application nid_applications[NID_APP_COUNT] = {
        [NID_IAS] = {
                .aids = {
                        { { 0xA0, 0, 0, 0, 0x18, 0x0C, 0, 0, 0x01, 0x63, 0x42, 0 }, 12 }, /* O */
                        { { 0xA0, 0, 0, 0, 0x18, 0x40, 0, 0, 0x01, 0x63, 0x42, 0 }, 12 }, /* I */
                        { { 0xA0, 0, 0, 0, 0x18, 0x0A, 0, 0, 0x01, 0x63, 0x42, 0 }, 12 }, /* D */
                },
                .df_p1 = 0x00,
                .unit = 1,
                .paths = true,
        },
        [NID_MPCOS] = {
                .aids = { { { 0xA0, 0, 0, 0, 0x18, 0x30, 0x03, 0x01 }, 16 } }, /* O */
                .df_p1 = 0x01,
                .unit = 4,
                .early = 1 + OBJECT_DATES,
        },
        [NID_MANAGER] = {
                .aids = { { { 0xA0, 0, 0, 0, 0x18, 0x43, 0x4D, 0 }, 8 } }, /* O */
        },
        [NID_PARDIS] = {
                .aids = { { "PARDIS,MATIRAN ", 15 } }, /* V */
                .unit = 1,
                .ef_by_id = true,
        },
        [NID_OMID] = {
                .aids = { { "MATIRAN ID CARD ", 16 } }, /* V */
                .unit = 1,
        },
};

static const struct nid_file mav_files[OBJECT_COUNT] = {
        [OBJECT_CERTIFICATE_1] = { NID_IAS, 0x5100, 0x5040, true, 0 },     /* O */
        [OBJECT_CERTIFICATE_2] = { NID_IAS, 0x5000, 0x0303, true, 0 },     /* O */
        [OBJECT_CERTIFICATE_3] = { NID_IAS, 0x5000, 0x5040, true, 0 },     /* not published */
        [OBJECT_DATES] = { NID_MPCOS, 0x0300, 0x0303, false, 40 },         /* O */
        [OBJECT_AFIS] = { NID_MPCOS, 0x0300, 0x0302, false, 0 },           /* O */
        [OBJECT_VERSIONS] = { NID_MPCOS, 0x0600, 0x0601, false, 0 },       /* O */
        [OBJECT_PIN_FLAGS] = { NID_MPCOS, NID_DF_ROOT, 0x0010, false, 0 }, /* O, V */
};

/* The samples disagree on the second file: it is read, and its content decides (2.4). */
static const struct nid_file pardis_files[OBJECT_COUNT] = {
        [OBJECT_CERTIFICATE_1] = { NID_PARDIS, 0x5100, 0x5040, true, 0 }, /* V */
        [OBJECT_CERTIFICATE_2] = { NID_PARDIS, 0x5100, 0x0303, true, 0 }, /* V */
};

#define MAV_APPS                                                                                   \
        .needs = { NID_MPCOS, NID_IAS }, .uses = { NID_IAS, NID_MPCOS, NID_MANAGER },              \
        .files = mav_files
#define MAV_PIN .pin = { .ref = 0x81, .block_len = 16, .pad = 0x00, .min = 4, .max = 8 }
#define GEMALTO 0x80, 0x31, 0x80, 0x65, 0xB0, 0x85

const struct nid_row nid_rows[] = {
        {
                .generation = GENERATION_OMID,
                .evidence = 'V',
                .label = "Omid (Matiran)",
                .history = { 0x80, 0x13, 'I', 'R', 'N' },
                .history_len = 5,
                .needs = { NID_OMID },
        },
        {
                .generation = GENERATION_PARDIS,
                .evidence = 'V',
                .label = "Pardis (Matiran)",
                .history = { 0x00, 0x73, 0xC8, 0x40, 0x13 },
                .history_len = 5,
                .needs = { NID_PARDIS },
                .uses = { NID_PARDIS },
                .files = pardis_files,
        },
        {
                .generation = GENERATION_MAV2,
                .supported = true,
                .evidence = 'O',
                .label = "Mav2 (MultiApp 2)",
                .history = { GEMALTO, 0x02 },
                .history_len = 7,
                .by_history = true,
                MAV_APPS,
                MAV_PIN,
        },
        {
                .generation = GENERATION_MAV3,
                .supported = true,
                .evidence = 'V',
                .label = "Mav3 (MultiApp 3)",
                .history = { GEMALTO, 0x03 },
                .history_len = 7,
                .by_history = true,
                MAV_APPS,
                MAV_PIN,
        },
        {
                .generation = GENERATION_MAV4,
                .supported = true,
                .evidence = 'V',
                .label = "Mav4 (MultiApp 4)",
                .history = { GEMALTO, 0x04 },
                .history_len = 7,
                .by_history = true,
                MAV_APPS,
                MAV_PIN,
        },
        {
                /* chip type 0001 shares the vendor's class Mav2 */
                .generation = GENERATION_MAV2,
                .supported = true,
                .evidence = 'I',
                .label = "Mav2 (MultiApp 1)",
                .history = { GEMALTO, 0x01 },
                .history_len = 7,
                .by_history = true,
                MAV_APPS,
                MAV_PIN,
        },
        {
                .generation = GENERATION_UNKNOWN,
                .evidence = 'I',
                .label = "Mav, generation not known",
                .history = { GEMALTO },
                .history_len = 6,
                MAV_APPS,
        },
        {
                .generation = GENERATION_UNKNOWN,
                .evidence = 'I',
                .label = "IAS Classic, foreign or unknown",
                .needs = { NID_IAS },
                .uses = { NID_IAS },
                .files = mav_files,
        },
};
const size_t nid_row_count = ARRAY_LEN(nid_rows);

const struct nid_file *nid_file_of(const struct nid_row *row, enum card_object object)
{
        size_t i = (size_t)object;
        bool known = row && row->files && i < OBJECT_COUNT;
        return known && row->files[i].app != NID_NONE ? &row->files[i] : NULL;
}

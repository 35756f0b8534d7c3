/* SPDX-License-Identifier: Apache-2.0 */
/* files.c: dedicated and elementary files, SELECT in its forms, READ BINARY (card-facts 2.2 - 2.9).
 *
 * Both trees live in one array; a row knows its application and its parent. A failed SELECT leaves
 * the current file as it was. Offsets count bytes in IAS and words of four bytes in MPCOS, which a
 * switch can deny.
 */
#include "drivers/softcard/card.h"

#define MF 0x3F00

int file_add(struct softcard *card, enum application app, uint16_t id, int parent, int *ret_index)
{
        if (card->file_count == FILES_MAX)
                return -ENOSPC;
        *ret_index = (int)card->file_count;
        card->files[card->file_count++] =
                (struct file){ .app = app, .id = id, .parent = parent, .is_df = true };
        return 0;
}

int file_add_ef(struct softcard *card, uint16_t id, int parent, enum access access,
        const void *data, size_t len)
{
        int index;
        uint8_t *copy = malloc(len);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, data, len);
        int r = file_add(card, card->files[parent].app, id, parent, &index);
        if (r < 0) {
                free(copy);
                return r;
        }
        struct file *file = &card->files[index];
        file->is_df = false;
        file->access = access;
        file->data = copy;
        file->len = len;
        return 0;
}

void files_free(struct softcard *card)
{
        for (size_t i = 0; i < card->file_count; i++)
                free(card->files[i].data);
        card->file_count = 0;
}

enum want { WANT_DF = 1, WANT_EF = 2, WANT_ANY = 3 };

static int child_of(const struct softcard *card, int parent, unsigned int id, enum want want)
{
        for (size_t i = 0; i < card->file_count; i++) {
                const struct file *file = &card->files[i];
                bool wanted = want & (file->is_df ? WANT_DF : WANT_EF);
                if (wanted && file->app == card->app && file->parent == parent && file->id == id)
                        return (int)i;
        }
        return -1;
}

static int root_of(const struct softcard *card)
{
        return child_of(card, -1, MF, WANT_DF);
}

void files_root(struct softcard *card)
{
        card->df = root_of(card);
        card->ef = -1;
}

/* P1=00: the master file or what lies below the current DF; by a switch also what lies beside it. */
static int find_by_id(const struct softcard *card, unsigned int id)
{
        if (id == MF)
                return root_of(card);
        int found = child_of(card, card->df, id, WANT_ANY);
        if (found >= 0 || card->df < 0 || !setting_is(card, SWITCH_SIBLING_SELECT, "on"))
                return found;
        int parent = card->files[card->df].parent;
        return parent < 0 ? -1 : child_of(card, parent, id, WANT_ANY);
}

static int find_by_path(const struct softcard *card, struct view path)
{
        struct in in = in_new(path.data, path.len);
        int at = root_of(card);
        while (in_left(&in) >= 2 && at >= 0)
                at = child_of(card, at, in_u16(&in), WANT_ANY);
        return in_done(&in) == 0 ? at : -1;
}

static int parent_of_current(const struct softcard *card)
{
        return card->df < 0 ? -1 : card->files[card->df].parent;
}

/* File index, -1 not found, -2 no such way to select. */
static int find_file(const struct softcard *card, const struct command *cmd)
{
        bool id_given = cmd->data.len == 2;
        unsigned int id =
                id_given ? (unsigned int)(cmd->data.data[0] << 8 | cmd->data.data[1]) : MF;
        bool by_path = card->app == APP_IAS && setting_is(card, SWITCH_PATH_SELECT, "on");
        switch (cmd->p1) {
        case 0x00: return id_given || cmd->data.len == 0 ? find_by_id(card, id) : -1;
        case 0x01: return id_given ? child_of(card, card->df, id, WANT_DF) : -1;
        case 0x02: return id_given ? child_of(card, card->df, id, WANT_EF) : -1;
        case 0x03: return cmd->data.len == 0 ? parent_of_current(card) : -1;
        case 0x08: return by_path ? find_by_path(card, cmd->data) : -2;
        default: return -2;
        }
}

/* IAS, card-facts 2.9: 6F or 62, or the later shape with size in 80 and rules in 86. */
static void describe_ias(const struct softcard *card, const struct file *file, struct answer *ans)
{
        static const uint8_t conditions[] = {
                [ACCESS_FREE] = 0x00,
                [ACCESS_DENIED] = 0xFF,
                [ACCESS_PIN] = 0x11,
                [ACCESS_KEYS] = 0x21,
                [ACCESS_SM] = 0xC1,
        };
        uint8_t read = conditions[file->access];
        bool v5 = setting_is(card, SWITCH_FCI, "v5");
        out_u8(&ans->out, setting_is(card, SWITCH_FCI, "62") ? 0x62 : 0x6F);
        out_u8(&ans->out, 0x15);
        out_u8(&ans->out, v5 ? 0x80 : 0x81);
        out_u8(&ans->out, 2);
        out_u16(&ans->out, (uint16_t)file->len);
        out_bytes(&ans->out, (uint8_t[]){ 0x82, 1, file->is_df ? 0x38 : 0x01, 0x83, 2 }, 5);
        out_u16(&ans->out, file->id);
        out_bytes(&ans->out, (uint8_t[]){ 0x8A, 1, 0x05, v5 ? 0x86 : 0x8C, 5 }, 5);
        out_bytes(&ans->out, (uint8_t[]){ 0x4B, 0xFF, 0xFF, 0xFF, read }, 5);
}

/* MPCOS: the GPK block 85, bare for an EF: two bytes, id, descriptor, record length, size, then the
 * conditions for update, write, read (C000: never). */
static void describe_mpcos(const struct file *file, struct answer *ans)
{
        uint16_t read = file->access == ACCESS_FREE ? 0x0000 : 0xC000;
        out_bytes(&ans->out, (uint8_t[]){ 0x85, 0x0E, 0, 0 }, 4);
        out_u16(&ans->out, file->id);
        out_u8(&ans->out, file->is_df ? 0x38 : 0x01);
        out_u8(&ans->out, 0);
        out_u16(&ans->out, (uint16_t)file->len);
        out_u16(&ans->out, 0xC000);
        out_u16(&ans->out, 0xC000);
        out_u16(&ans->out, read);
}

void file_select(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        if (cmd->p2 != 0x00 && cmd->p2 != 0x0C) {
                answer_sw(ans, 0x6A86);
                return;
        }
        int index = find_file(card, cmd);
        if (index < 0) {
                answer_sw(ans, index == -2 ? 0x6A86 : 0x6A82);
                return;
        }
        const struct file *file = &card->files[index];
        card->df = file->is_df ? index : file->parent;
        card->ef = file->is_df ? -1 : index;
        if (cmd->p2 == 0x0C)
                return;
        if (card->app == APP_IAS)
                describe_ias(card, file, ans);
        else
                describe_mpcos(file, ans);
}

void file_read(struct softcard *card, const struct command *cmd, struct answer *ans)
{
        if (!cmd->has_le || cmd->data.len > 0) {
                answer_sw(ans, 0x6700);
                return;
        }
        if (card->ef < 0) {
                answer_sw(ans, 0x6986);
                return;
        }
        const struct file *file = &card->files[card->ef];
        if (file->access != ACCESS_FREE &&
                !(file->access == ACCESS_PIN && card->verified[PIN_IAS])) {
                answer_sw(ans, 0x6982);
                return;
        }
        bool words = card->app == APP_MPCOS && setting_is(card, SWITCH_MPCOS_OFFSET, "word");
        size_t offset = (size_t)(cmd->p1 << 8 | cmd->p2) * (words ? 4 : 1);
        if (cmd->p1 & 0x80 || offset >= file->len) {
                answer_sw(ans, 0x6B00);
                return;
        }
        out_bytes(&ans->out, file->data + offset, base_min(cmd->le, file->len - offset));
        ans->fit = FIT_READ;
        ans->outgoing = true;
}

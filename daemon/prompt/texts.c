/* SPDX-License-Identifier: Apache-2.0 */
/* texts.c: see texts.h. A page is a list of parts; it is rendered with ever less room for the app's
 * strings until the escaped result fits. The fixed words of both languages leave that room by a test
 * (test_prompt.c: longest names, all warnings at once).
 */
#include "daemon/prompt/texts.h"

#include "base/text.h"

#include <libintl.h>
#include <stdio.h>

#define _(text) gettext(text)

#define DESC_MAX      (TEXTS_LINE_MAX - (sizeof "SETDESC " - 1)) /* escaped bytes */
#define NAME_CHARS    64
#define NAME_BYTES    128
#define APP_BYTES     1024
#define PARTS_MAX     12
#define REQUEST_SHOWN 8
#define PILE_MAX      3 /* marks on one letter: Arabic needs two, with a joiner three */
#define FSI           "\u2068"
#define PDI           "\u2069"
#define ELLIPSIS      "\u2026"

enum cut { CUT_NEVER, CUT_END, CUT_START };

struct part {
        const char *format; /* translated; one %s if there is a value */
        enum cut cut;
        bool has_value;
        char value[APP_BYTES];
};

struct parts {
        size_t count;
        struct part part[PARTS_MAX];
};

/* ---- outside strings ---------------------------------------------------------------------- */

static size_t char_len(const char *at)
{
        unsigned char lead = (unsigned char)*at;
        return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* Blanks that Unicode has besides U+0020: as wide as one likes, so good for faking a new line. */
static bool is_blank(const char *at, size_t len)
{
        static const char *const blanks[] = { " ", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002",
                "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a",
                "\u202f", "\u205f", "\u2800", "\u3000" };
        for (size_t i = 0; i < ARRAY_LEN(blanks); i++)
                if (strlen(blanks[i]) == len && memcmp(at, blanks[i], len) == 0)
                        return true;
        return false;
}

/* Marks that are drawn over or under the letter before them, and joiners: a few shape a letter, a pile
 * of them hides the lines above and below. */
static bool extends(const char *at, size_t len)
{
        static const struct {
                const char *first, *last;
        } ranges[] = {
                { "\u0300", "\u036f" },
                { "\u0483", "\u0489" },
                { "\u0591", "\u05c7" },
                { "\u0610", "\u061a" },
                { "\u064b", "\u065f" },
                { "\u0670", "\u0670" },
                { "\u06d6", "\u06ed" },
                { "\u0e31", "\u0e4e" },
                { "\u1ab0", "\u1aff" },
                { "\u1dc0", "\u1dff" },
                { "\u200c", "\u200d" },
                { "\u20d0", "\u20ff" },
                { "\ufe0e", "\ufe0f" },
                { "\ufe20", "\ufe2f" },
        };
        for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
                if (strlen(ranges[i].first) == len && memcmp(at, ranges[i].first, len) >= 0 &&
                        memcmp(at, ranges[i].last, len) <= 0)
                        return true;
        return false;
}

static const char *shown_as(const char *at, size_t len)
{
        if (is_blank(at, len))
                return " ";
        return *at == '<' ? "\u2039" : NULL;
}

void texts_outside(char *dst, size_t cap, const char *src, size_t max_chars)
{
        char clean[2 * APP_BYTES];
        text_sanitize(clean, base_min(cap, sizeof clean), src, max_chars);
        size_t used = 0, pile = PILE_MAX; /* nothing to mark yet */
        for (const char *at = clean; *at;) {
                size_t len = char_len(at);
                const char *shown = shown_as(at, len);
                size_t shown_len = shown ? strlen(shown) : len;
                bool folded = shown && *shown == ' ' && (used == 0 || dst[used - 1] == ' ');
                pile = extends(at, len) ? pile + 1 : 0;
                if (!folded && pile <= PILE_MAX) {
                        if (shown_len > cap - 1 - used)
                                break;
                        memcpy(dst + used, shown ? shown : at, shown_len);
                        used += shown_len;
                }
                at += len;
        }
        while (used > 0 && dst[used - 1] == ' ')
                used--;
        dst[used] = '\0';
}

/* ---- measuring and cutting ---------------------------------------------------------------- */

static bool escaped_char(char c)
{
        return c == '%' || c == '\n' || c == '\r';
}

static size_t escaped_len(const char *text)
{
        size_t len = 0;
        for (; *text; text++)
                len += escaped_char(*text) ? 3 : 1;
        return len;
}

/* The longest run of whole characters from the start that costs at most `room`. */
static const char *fitting_end(const char *text, size_t room)
{
        while (*text) {
                size_t len = char_len(text), cost = escaped_char(*text) ? 3 : len;
                if (cost > room)
                        break;
                room -= cost;
                text += len;
        }
        return text;
}

static const char *fitting_start(const char *text, size_t room)
{
        while (*text && escaped_len(text) > room)
                text += char_len(text);
        return text;
}

static void cut_value(const struct part *part, size_t level, char dst[static APP_BYTES + 4])
{
        size_t room = level > strlen(ELLIPSIS) ? level - strlen(ELLIPSIS) : 0;
        if (part->cut == CUT_NEVER || escaped_len(part->value) <= level)
                snprintf(dst, APP_BYTES + 4, "%s", part->value);
        else if (part->cut == CUT_END)
                snprintf(dst, APP_BYTES + 4, "%.*s" ELLIPSIS,
                        (int)(fitting_end(part->value, room) - part->value), part->value);
        else
                snprintf(dst, APP_BYTES + 4, ELLIPSIS "%s", fitting_start(part->value, room));
}

/* ---- pages -------------------------------------------------------------------------------- */

static void add(struct parts *parts, const char *format)
{
        parts->part[parts->count++] = (struct part){ .format = format };
}

static struct part *add_value(struct parts *parts, const char *format, enum cut cut)
{
        struct part *part = &parts->part[parts->count++];
        *part = (struct part){ .format = format, .cut = cut, .has_value = true };
        return part;
}

static void add_outside(struct parts *parts, const char *format, enum cut cut, const char *value)
{
        struct part *part = add_value(parts, format, cut);
        texts_outside(part->value, sizeof part->value, value, SIZE_MAX);
}

static void add_holder(struct parts *parts, const struct question *question)
{
        char given[NAME_BYTES + 1], family[NAME_BYTES + 1];
        texts_outside(given, sizeof given, question->given_name, NAME_CHARS);
        texts_outside(family, sizeof family, question->family_name, NAME_CHARS);
        struct part *part = add_value(parts, _("Holder of the card: %s"), CUT_NEVER);
        snprintf(part->value, sizeof part->value, "%s%s%s", given, *given && *family ? " " : "",
                family);
}

static void add_simulated(struct parts *parts, const struct question *question)
{
        if (question->simulated)
                add(parts, _("SIMULATED CARD, FOR TESTING ONLY"));
}

static void add_count(
        struct parts *parts, const char *format, const struct question *question, int n)
{
        char digits[12];
        struct part *part = add_value(parts, format, CUT_NEVER);
        snprintf(digits, sizeof digits, "%d", n);
        if (strncmp(question->language, "fa", 2) == 0)
                text_persian_digits(part->value, sizeof part->value, digits);
        else
                memcpy(part->value, digits, sizeof digits);
}

static void add_request(struct parts *parts, const struct question *question)
{
        struct part *part = add_value(parts, _("Request: %s"), CUT_NEVER);
        texts_outside(part->value, sizeof part->value, question->request, SIZE_MAX);
        part->value[fitting_end(part->value, REQUEST_SHOWN) - part->value] = '\0';
}

static void add_audience(struct parts *parts, const struct question *question)
{
        add_outside(parts, _("For whom: %s"), CUT_END, question->audience);
}

static size_t append(char *dst, size_t cap, size_t used, const struct part *part, size_t level)
{
        char value[APP_BYTES + 4], isolated[APP_BYTES + 16];
        int len;
        if (part->has_value) {
                cut_value(part, level, value);
                snprintf(isolated, sizeof isolated, FSI "%s" PDI, value);
                len = snprintf(dst + used, cap - used, part->format, isolated);
        } else {
                len = snprintf(dst + used, cap - used, "%s", part->format);
        }
        return len < 0 ? used : base_min(used + (size_t)len, cap - 1);
}

static bool render(const struct parts *parts, size_t level, char desc[static TEXTS_LINE_MAX])
{
        char text[8 * APP_BYTES];
        size_t used = 0;
        text[0] = '\0';
        for (size_t i = 0; i < parts->count; i++) {
                if (i > 0 && used < sizeof text - 1) {
                        text[used++] = '\n';
                        text[used] = '\0';
                }
                used = append(text, sizeof text, used, &parts->part[i], level);
        }
        bool fits = escaped_len(text) <= DESC_MAX;
        if (fits)
                memcpy(desc, text, used + 1);
        return fits;
}

/* The most room for the app's strings with which the page fits, by halving. */
static void finish(const struct parts *parts, struct page *page)
{
        size_t fits = 0, too_much = DESC_MAX + 1;
        page->desc[0] = '\0';
        (void)render(parts, fits, page->desc);
        while (too_much - fits > 1) {
                size_t level = fits + (too_much - fits) / 2;
                if (render(parts, level, page->desc))
                        fits = level;
                else
                        too_much = level;
        }
}

static struct page page_new(const struct question *question)
{
        return (struct page){
                .title = question->simulated ? _("Mohr: SIMULATED CARD, FOR TESTING ONLY")
                                             : _("Mohr: proof of identity"),
                .ok = _("_Continue"),
                .cancel = _("C_ancel"),
        };
}

static void add_asker(struct parts *parts, const struct question *question)
{
        add_outside(parts, _("Who is asking (unverified name): %s"), CUT_START,
                *question->app ? question->app : "?");
        add_audience(parts, question);
}

void texts_choice(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        *ret = page_new(question);
        ret->ok = _("_Use this card");
        ret->notok = _("_Another card");
        add(&parts,
                _("There are cards on several card readers. Is the card on this one to be used?"));
        add_outside(&parts, _("Card reader: %s"), CUT_END, question->reader);
        add_asker(&parts, question);
        add_request(&parts, question);
        finish(&parts, ret);
}

/* One line for each reader that is named, and how many there are besides. */
static void add_readers(struct parts *parts, const struct question *question)
{
        int named = 0;
        for (const char *at = question->reader; *at && named < QUESTION_READERS_SHOWN; named++) {
                char name[QUESTION_READER_MAX];
                size_t len = strcspn(at, "\n");
                snprintf(name, sizeof name, "%.*s", (int)base_min(len, sizeof name - 1), at);
                add_outside(parts, _("Card reader: %s"), CUT_END, name);
                at += len + (at[len] == '\n');
        }
        if (question->reader_count > named)
                add_count(parts, _("More card readers: %s"), question,
                        question->reader_count - named);
}

void texts_search(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        *ret = page_new(question);
        ret->ok = _("_Agree");
        ret->cancel = _("_Refuse");
        add_count(&parts,
                _("May Mohr look at the cards on these card readers (%s) for the one of the "
                  "national number below? No PIN is used for that. Who asks learns whether this "
                  "card is here, and nothing of the others."),
                question, question->reader_count);
        struct part *number = add_value(&parts, _("National number asked for: %s"), CUT_NEVER);
        texts_outside(number->value, sizeof number->value, question->card_number, 16);
        add_asker(&parts, question);
        if (*question->purpose)
                add_outside(&parts, _("Purpose: %s"), CUT_END, question->purpose);
        add_readers(&parts, question);
        add_request(&parts, question);
        finish(&parts, ret);
}

void texts_unproven(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        *ret = page_new(question);
        add_simulated(&parts, question);
        add(&parts, _("Signing with Iranian national smart ID cards has not been proven in public: "
                      "it is "
                      "unproven on real cards."));
        add(&parts, _("Nothing is written to the card. A try is only spent if the PIN is wrong."));
        add(&parts, _("Do you want to continue?"));
        finish(&parts, ret);
}

static void add_citizen(struct parts *parts, const struct question *question)
{
        struct part *number = add_value(parts, _("Card number: %s"), CUT_NEVER);
        texts_outside(number->value, sizeof number->value, question->card_number, 16);
        add(parts, _("Your name and card number always go with the chip's signature. The key is a "
                     "signature key."));
}

static void add_staff(struct parts *parts, const struct question *question)
{
        add(parts, _("This is an organisation's staff card, not a national card."));
        if (*question->card_number) {
                struct part *number = add_value(parts, _("Employee number: %s"), CUT_NEVER);
                texts_outside(number->value, sizeof number->value, question->card_number, 16);
        }
        add(parts, _("Your name and all else that the card's certificate says of you always go "
                     "with the chip's signature."));
}

void texts_consent(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        *ret = page_new(question);
        ret->ok = _("_Agree");
        ret->cancel = _("_Refuse");
        add_simulated(&parts, question);
        add_asker(&parts, question);
        if (*question->purpose)
                add_outside(&parts, _("Purpose: %s"), CUT_END, question->purpose);
        add_holder(&parts, question);
        if (question->staff)
                add_staff(&parts, question);
        else
                add_citizen(&parts, question);
        if (question->expired)
                add(&parts, _("The certificate has expired."));
        add_request(&parts, question);
        finish(&parts, ret);
}

void texts_last_try(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        *ret = page_new(question);
        add_simulated(&parts, question);
        add(&parts, _("This is the last try. If the PIN is wrong now, the PIN of the card is "
                      "blocked."));
        add_holder(&parts, question);
        add(&parts, _("Do you want to use the last try?"));
        finish(&parts, ret);
}

static void add_tries(struct parts *parts, const struct question *question)
{
        if (question->tries_left >= 0) {
                add_count(parts, _("Tries left: %s"), question, question->tries_left);
                return;
        }
        struct part *part = add_value(parts, _("Tries left: %s"), CUT_NEVER);
        snprintf(part->value, sizeof part->value, "%s", _("unknown"));
}

/* What stands under the first words of the PIN's page, and of the page that leads to the reader's keys. */
static void add_circumstances(struct parts *parts, const struct question *question)
{
        add_audience(parts, question);
        add_holder(parts, question);
        add_outside(parts, _("Card reader: %s"), CUT_END, question->reader);
        add_tries(parts, question);
        add_request(parts, question);
}

void texts_pin(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        *ret = page_new(question);
        ret->prompt = question->staff ? _("PIN of the staff card:") : _("Identification PIN:");
        add_simulated(&parts, question);
        add(&parts, question->staff
                            ? _("Please enter the PIN of the staff card (PIV, 6 to 8 digits).")
                            : _("Please enter the identification PIN of the national smart ID card "
                                "(4 to 8 digits, not the signature PIN)."));
        add_circumstances(&parts, question);
        finish(&parts, ret);
}

void texts_keys(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        *ret = page_new(question);
        add_simulated(&parts, question);
        add(&parts,
                question->staff
                        ? _("When you continue, the card reader asks for the PIN of the staff "
                            "card (PIV, 6 to 8 digits). Please type it on the keys of the card "
                            "reader, not here.")
                        : _("When you continue, the card reader asks for the identification PIN "
                            "of the national smart ID card (4 to 8 digits, not the signature "
                            "PIN). Please type it on the keys of the card reader, not here."));
        add_circumstances(&parts, question);
        finish(&parts, ret);
}

const char *texts_bad_pin(const struct question *question)
{
        if (question->staff)
                return _("The PIN of this card has 6 to 8 digits. Nothing was sent to the card; no "
                         "try was spent.");
        return _("A PIN has 4 to 8 digits. Nothing was sent to the card; no try was spent.");
}

int texts_line(char dst[static TEXTS_LINE_MAX + 1], const char *command, const char *text)
{
        size_t used = strlen(command) + 1;
        if (used + escaped_len(text) > TEXTS_LINE_MAX)
                return -EMSGSIZE;
        memcpy(dst, command, used - 1);
        dst[used - 1] = ' ';
        for (; *text; text++) {
                if (escaped_char(*text))
                        used += (size_t)snprintf(dst + used, 4, "%%%02X", (unsigned char)*text);
                else
                        dst[used++] = *text;
        }
        dst[used] = '\0';
        return 0;
}

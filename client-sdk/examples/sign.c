/* SPDX-License-Identifier: Apache-2.0 */
/* sign.c: has the holder sign a document, into a file beside it.
 *
 *      cc sign.c $(pkg-config --cflags --libs mohr jansson) -o sign
 *      ./sign contract.pdf cms contract.pdf.p7s
 *      ./sign contract.pdf pdf contract-signed.pdf
 *
 * mohrd is handed the document and the file for the result, and composes what is signed itself: no digest of ours is. The
 * result comes into a file of another name, which gets its own only when it is whole.
 */
#include <jansson.h>
#include <mohr.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void show(void *user, const char *document, const char *phase)
{
        (void)user;
        fprintf(stderr, "... %s %s\n", document, phase);
}

static int sign_added(struct mohr_client *client, const char *added)
{
        json_t *told = json_loads(added, 0, NULL);
        const char *const documents[] = { json_string_value(json_object_get(told, "document")),
                NULL };
        const struct mohr_ui ui = { .display = getenv("DISPLAY"),
                .wayland_display = getenv("WAYLAND_DISPLAY"),
                .xauthority = getenv("XAUTHORITY") };
        const struct mohr_signing signing = {
                .documents = documents, .purpose = "Agreement to the contract", .ui = &ui
        };
        int r = mohr_client_sign_documents(client, &signing, show, NULL);
        json_decref(told);
        return r;
}

static int sign(struct mohr_client *client, const struct mohr_to_sign *document, int from, int to)
{
        char *added = NULL; /* what mohrd found: pages, size, digest */
        int r = mohr_client_add_document(client, document, from, to, &added);
        if (r == MOHR_OUTCOME_OK)
                r = sign_added(client, added);
        free(added);
        return r;
}

int main(int argc, char **argv)
{
        char part[4096];
        if (argc != 4 || strlen(argv[3]) > sizeof part - sizeof ".part") {
                fprintf(stderr, "usage: sign DOCUMENT FORM RESULT\n");
                return MOHR_OUTCOME_USAGE;
        }
        const char *slash = strrchr(argv[1], '/');
        const struct mohr_to_sign document = { .name = slash ? slash + 1 : argv[1],
                .form = argv[2] };
        snprintf(part, sizeof part, "%s.part", argv[3]);
        int from = open(argv[1], O_RDONLY | O_CLOEXEC);
        int to = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (from < 0 || to < 0) {
                perror(from < 0 ? argv[1] : part);
                return MOHR_OUTCOME_USAGE;
        }
        struct mohr_client *client = NULL;
        int r = mohr_client_connect(&client, NULL);
        if (r == MOHR_OUTCOME_OK)
                r = sign(client, &document, from, to);
        if (r != MOHR_OUTCOME_OK)
                fprintf(stderr, "%s\n%s\n%s\n", mohr_outcome_text(r), mohr_outcome_next(r),
                        client ? mohr_client_detail(client) : "");
        if ((r != MOHR_OUTCOME_OK ? unlink(part) : rename(part, argv[3])) < 0)
                perror(part);
        close(from);
        close(to);
        mohr_client_free(client);
        return r < 0 ? MOHR_OUTCOME_INTERNAL : r;
}

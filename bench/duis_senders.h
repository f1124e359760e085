/* SPDX-License-Identifier: Apache-2.0 */
/* A corpus written again, as 32 senders with keys of their own would, one after the other: no
 * document is of the sender or of the service of the one before. Ends the program with a reason on
 * failure. */
#ifndef BENCH_DUIS_SENDERS_H
#define BENCH_DUIS_SENDERS_H

#include "bench/duis_corpus.h"
#include "tests/differential/buffer.h"

/* Change a document's text to the way of sender 0 .. 31: prefixes and declarations of its own. */
void senders_respell(struct buffer *text, unsigned sender);

/* Put every tag on a line of its own, indented, with line ends CR LF. */
void senders_indent(struct buffer *text, unsigned sender);

/* Fill *to with the documents of `from`, each changed by `rewrite` and signed by its sender. */
void corpus_write_again(struct corpus *to, const struct corpus *from,
	void (*rewrite)(struct buffer *text, unsigned sender));

#endif

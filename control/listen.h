/* SPDX-License-Identifier: Apache-2.0 */
/* The listening Unix socket: made so that it never takes the place of a live one and never leaves a
 * stale one behind. Start and end only. */
#ifndef CONTROL_LISTEN_H
#define CONTROL_LISTEN_H

#include <stdio.h>
#include <sys/types.h>

struct listener {
	int fd;
	char path[108];
	dev_t device; /* of the socket file, to remove no other's */
	ino_t inode;
};

/* Listen at `path` (mode 0600): its folders are made, a socket that nobody listens on is replaced.
 * Returns 0, or -errno with one line in `log`; -EADDRINUSE when another process listens there,
 * -EEXIST when something that is no socket lies there. */
int listener_open(struct listener *listener, const char *path, FILE *log);

/* Close the socket and remove its file, if it is still ours. */
void listener_close(struct listener *listener);

#endif

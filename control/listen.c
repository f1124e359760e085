/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two processes that start at once would both find a stale socket and each replace the other's; a
 * lock on the folder makes them go one after the other. The lock ends with the process, so it is
 * never stale itself.
 */
#include "control/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/folders.h"

#define BACKLOG 32

/* 0 when nobody listens at `address`, else -errno. */
static int check_stale(const struct sockaddr_un *address)
{
	struct stat status;

	if (lstat(address->sun_path, &status) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* EAGAIN: its backlog is full, so somebody is there. */
	int result = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
				     errno != ECONNREFUSED
			     ? -EADDRINUSE
			     : 0;
	close(fd);
	return result;
}

static int bind_socket(struct listener *listener, const struct sockaddr_un *address)
{
	struct stat status;
	int result = check_stale(address);

	if (result != 0)
		return result;
	unlink(address->sun_path);
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0)
		return -errno;
	mode_t mask = umask(0177);
	bool bound = bind(listener->fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
	result = bound ? 0 : -errno;
	umask(mask);
	if (bound && (lstat(address->sun_path, &status) != 0 || listen(listener->fd, BACKLOG) != 0))
		result = -errno;
	if (result != 0) {
		close(listener->fd);
		listener->fd = -1;
		return result;
	}
	listener->device = status.st_dev;
	listener->inode = status.st_ino;
	return 0;
}

static int open_locked(struct listener *listener, const struct sockaddr_un *address)
{
	char folder[sizeof(address->sun_path)];
	int result = folders_make(address->sun_path, folder, sizeof(folder));

	if (result != 0)
		return result;
	int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0)
		return -errno;
	result = flock(lock, LOCK_EX) == 0 ? bind_socket(listener, address) : -errno;
	close(lock);
	return result;
}

int listener_open(struct listener *listener, const char *path, FILE *log)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int result = -ENAMETOOLONG;

	memset(listener, 0, sizeof(*listener));
	listener->fd = -1;
	if (strlen(path) < sizeof(address.sun_path)) {
		memcpy(address.sun_path, path, strlen(path) + 1);
		memcpy(listener->path, path, strlen(path) + 1);
		result = open_locked(listener, &address);
	}
	if (result == -EADDRINUSE)
		fprintf(log, "motorway-control: another process listens at %s\n", path);
	else if (result == -EEXIST)
		fprintf(log, "motorway-control: %s exists and is no socket; it is left alone\n",
			path);
	else if (result != 0)
		fprintf(log, "motorway-control: cannot listen at %s: %s\n", path,
			strerror(-result));
	return result;
}

void listener_close(struct listener *listener)
{
	struct stat status;

	if (listener->fd < 0)
		return;
	if (lstat(listener->path, &status) == 0 && status.st_dev == listener->device &&
		status.st_ino == listener->inode)
		unlink(listener->path);
	close(listener->fd);
	listener->fd = -1;
}

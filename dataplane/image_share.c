/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/image_share.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct image_share *image_share_take(struct image_share *current, const char *path,
	uint64_t image_id, char *reason, size_t reason_size)
{
	if (current && registry_image_id(current->image) == image_id)
		return image_share_hold(current);
	struct image_share *share = calloc(1, sizeof(*share));
	if (!share) {
		snprintf(reason, reason_size, "%s: %s", path, strerror(ENOMEM));
		errno = ENOMEM;
		return NULL;
	}
	share->holders = 1;
	share->image = registry_image_map(path, reason, reason_size);
	int error = share->image ? 0 : errno;
	if (error == 0 && registry_image_id(share->image) != image_id) {
		snprintf(
			reason, reason_size, "%s: not the image that motorway-control named", path);
		error = ESTALE;
	}
	if (error == 0)
		return share;
	image_share_release(share);
	errno = error;
	return NULL;
}

struct image_share *image_share_hold(struct image_share *share)
{
	share->holders++;
	return share;
}

void image_share_release(struct image_share *share)
{
	if (!share || --share->holders > 0)
		return;
	if (share->image)
		registry_image_unmap(share->image);
	free(share);
}

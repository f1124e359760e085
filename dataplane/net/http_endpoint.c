/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints by URL and owner. An endpoint's name is slot and generation, so that a post can never
 * go to whoever has taken over the slot.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/net/http_client.h"

#define GENERATION_MASK 0x7fff
#define SLOT_BITS 16

static int name_make(const struct http *http, uint32_t slot)
{
	uint32_t generation = http->endpoints[slot].generation & GENERATION_MASK;
	return (int)(generation << SLOT_BITS | slot);
}

struct http_endpoint *http_endpoint_named(struct http *http, int name)
{
	if (name < 0)
		return NULL;
	uint32_t slot = (uint32_t)name & ((1u << SLOT_BITS) - 1);
	if (slot >= http->limits.endpoints_max || !http->endpoints[slot].used ||
		name_make(http, slot) != name)
		return NULL;
	return &http->endpoints[slot];
}

static uint32_t key_hash(const char *url, uint64_t owner)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (; *url != '\0'; url++)
		hash = (hash ^ (uint8_t)*url) * 16777619u;
	for (; owner != 0; owner >>= 8)
		hash = (hash ^ (uint8_t)owner) * 16777619u;
	return hash;
}

static int port_read(const char *text, size_t length, struct sockaddr_in *address)
{
	unsigned port = 0;
	if (length == 0 || length > 5)
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	if (port == 0 || port > 65535)
		return -EINVAL;
	address->sin_port = htons((uint16_t)port);
	return 0;
}

/* host[:port] into the address and the value of Host. */
static int authority_read(struct http_endpoint *endpoint, const char *text, size_t length)
{
	char host[sizeof("255.255.255.255")];
	size_t host_length = 0;
	endpoint->address.sin_family = AF_INET;
	endpoint->address.sin_port = htons(80);
	while (host_length < length && text[host_length] != ':')
		host_length++;
	if (host_length >= sizeof(host) || length >= sizeof(endpoint->host))
		return -EINVAL;
	if (host_length < length && port_read(text + host_length + 1, length - host_length - 1,
					    &endpoint->address) != 0)
		return -EINVAL;
	memcpy(host, text, host_length);
	host[host_length] = '\0';
	memcpy(endpoint->host, text, length);
	endpoint->host[length] = '\0';
	const char *numbers = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
	return inet_pton(AF_INET, numbers, &endpoint->address.sin_addr) == 1 ? 0 : -EINVAL;
}

static int url_read(struct http_endpoint *endpoint, const char *url)
{
	static const char scheme[] = "http://";
	size_t length = strlen(url);
	if (length >= sizeof(endpoint->url) || strncmp(url, scheme, sizeof(scheme) - 1) != 0)
		return -EINVAL;
	memcpy(endpoint->url, url, length + 1);
	const char *authority = endpoint->url + sizeof(scheme) - 1;
	size_t authority_length = strcspn(authority, "/");
	const char *path = authority + authority_length;
	for (const char *at = path; *at != '\0'; at++)
		if ((http_character_class[(uint8_t)*at] & HTTP_IN_TARGET) == 0)
			return -EINVAL;
	endpoint->path = *path != '\0' ? path : "/";
	return authority_read(endpoint, authority, authority_length);
}

static void hash_remove(struct http *http, struct http_endpoint *endpoint)
{
	uint32_t slot = (uint32_t)(endpoint - http->endpoints);
	uint32_t hash = key_hash(endpoint->url, endpoint->owner);
	uint32_t *at = &http->endpoint_hash[hash & http->endpoint_hash_mask];
	while (*at != slot)
		at = &http->endpoints[*at].hash_next;
	*at = endpoint->hash_next;
}

/* A slot for a new endpoint: a free one, else the least recently used one without posts. */
static struct http_endpoint *slot_take(struct http *http)
{
	struct http_endpoint *oldest = NULL;
	for (uint32_t i = 0; i < http->limits.endpoints_max; i++) {
		struct http_endpoint *endpoint = &http->endpoints[i];
		if (!endpoint->used)
			return endpoint;
		if (endpoint->busy == 0 &&
			(oldest == NULL || endpoint->used_order < oldest->used_order))
			oldest = endpoint;
	}
	if (oldest == NULL)
		return NULL;
	while (oldest->idle_first != HTTP_NONE)
		http_connection_close(http, &http->connections[oldest->idle_first]);
	hash_remove(http, oldest);
	oldest->used = false;
	return oldest;
}

int http_endpoint(struct http *http, const char *url, uint64_t owner, uint32_t connections_max)
{
	struct http_endpoint read;
	uint32_t *bucket = &http->endpoint_hash[key_hash(url, owner) & http->endpoint_hash_mask];
	for (uint32_t i = *bucket; i != HTTP_NONE; i = http->endpoints[i].hash_next) {
		struct http_endpoint *endpoint = &http->endpoints[i];
		if (endpoint->owner == owner && strcmp(endpoint->url, url) == 0) {
			endpoint->connections_max = connections_max;
			endpoint->used_order = ++http->endpoint_order;
			return name_make(http, i);
		}
	}
	memset(&read, 0, sizeof(read));
	if (url_read(&read, url) != 0 || connections_max == 0)
		return -EINVAL;
	struct http_endpoint *endpoint = slot_take(http);
	if (endpoint == NULL)
		return -ENOSPC;
	uint32_t slot = (uint32_t)(endpoint - http->endpoints);
	uint32_t generation = endpoint->generation + 1;
	memset(endpoint, 0, sizeof(*endpoint));
	/* Again into its place: `path` points into the endpoint itself. */
	url_read(endpoint, url);
	endpoint->owner = owner;
	endpoint->generation = generation;
	endpoint->used = true;
	endpoint->connections_max = connections_max;
	endpoint->idle_first = HTTP_NONE;
	endpoint->used_order = ++http->endpoint_order;
	endpoint->hash_next = *bucket;
	*bucket = slot;
	return name_make(http, slot);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What http_client.c and http_endpoint.c share.
 */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include "dataplane/net/http_connection.h"

/* The endpoint that http_endpoint() has called `name`, or NULL when it is gone. */
struct http_endpoint *http_endpoint_named(struct http *http, int name);

#endif

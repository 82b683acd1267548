#include "relay/pg_catalog.h"

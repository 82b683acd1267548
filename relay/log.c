#include "relay/log.h"

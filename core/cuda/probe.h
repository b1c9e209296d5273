// Whether this build's device code can run on a card.
#pragma once

namespace cairn {

/// Whether the binary holds code, or PTX that the driver can translate, for the current device.
bool has_device_code();

}  // namespace cairn

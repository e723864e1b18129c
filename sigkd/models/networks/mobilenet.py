"""A small modern student: MobileNetV3's blocks (Howard et al. 2019, as torchvision has them), maps of SigNet's sizes.

It shows what adding a student takes: one file with one registered class. Each stage begins with a 3x3 convolution of
stride 2 without padding, which leads from 150x220 to 17x26 and 8x12; inverted residual blocks with
squeeze-and-excitation follow at the same size.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn
from torchvision.models.mobilenetv3 import InvertedResidual, InvertedResidualConfig
from torchvision.ops import Conv2dNormActivation

from sigkd.models.networks import NETWORKS
from sigkd.models.registry import FeatureNetwork, Taps


def _stage(inputs: int, outputs: int, blocks: int, kernel: int = 3, expansion: int = 3) -> nn.Sequential:
    """Halve the size ([B, inputs, H, W] -> [B, outputs, (H - 1) // 2, (W - 1) // 2]), then ``blocks`` at that size."""
    layers: list[nn.Module] = [
        Conv2dNormActivation(inputs, outputs, 3, stride=2, padding=0, activation_layer=nn.Hardswish)
    ]
    for _ in range(blocks):
        setting = InvertedResidualConfig(
            outputs,
            kernel,
            outputs * expansion,
            outputs,
            use_se=True,
            activation="HS",
            stride=1,
            dilation=1,
            width_mult=1,
        )
        layers.append(InvertedResidual(setting, norm_layer=partial(nn.BatchNorm2d, eps=1e-3, momentum=0.1)))
    return nn.Sequential(*layers)


@NETWORKS.register("mobilenet")
class MobileNet(FeatureNetwork):
    """A MobileNetV3-like student; 7.3 M parameters without a head, four fifths of them in the feature layer.

    Taps: FM1 = stage 3 [B, 64, 17, 26]; FM2 = stage 4 [B, 128, 8, 12]; the response = the fully connected layer after
    BN and ReLU [B, 2048].
    """

    architecture = "mobilenet"

    def __init__(self, classes: int | None = None) -> None:
        super().__init__()
        self.stage1 = _stage(1, 16, blocks=1, expansion=1)
        self.stage2 = _stage(16, 32, blocks=2)
        self.stage3 = _stage(32, 64, blocks=2, kernel=5)
        self.stage4 = _stage(64, 128, blocks=3, kernel=5)
        self.stage5 = _stage(128, 192, blocks=1)
        self.add_response(192 * 3 * 5, classes)
        self.initialise(partial(nn.init.kaiming_normal_, mode="fan_out"), nn.init.kaiming_normal_)

    def forward_taps(self, images: Tensor) -> Taps:
        """Return FM1 (stage 3), FM2 (stage 4), the response and the logits."""
        map1 = self.stage3(self.stage2(self.stage1(images)))
        map2 = self.stage4(map1)
        response = self.feature(self.stage5(map2).flatten(1))
        return Taps((map1, map2), response, None if self.head is None else self.head(response))

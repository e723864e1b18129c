"""The student of the paper: a ResNet-18 whose feature maps have the sizes of SigNet's (paper, Table 2).

It differs from the common ResNet-18: no padding in the stem and in each first convolution of a stage with stride 2, a
shortcut that ends in a 2x2 max-pool (so that the sizes meet), 256 channels in the last stage, no global pooling, and
a fully connected layer of 2048 units as the feature. No biases before the classification layer.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from sigkd.models.networks import NETWORKS
from sigkd.models.registry import FeatureNetwork, Taps


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2015), without padding in the first one where ``stride`` is 2.

    [B, inputs, H, W] -> [B, outputs, H, W] for stride 1, [B, outputs, (H - 1) // 2, (W - 1) // 2] for stride 2.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1 if stride == 1 else 0, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                nn.BatchNorm2d(outputs),
                nn.MaxPool2d(2, stride=1),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return ReLU(F(x) + shortcut(x))."""
        y = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        return functional.relu(y + self.shortcut(x), inplace=True)


@NETWORKS.register("resnet18")
class ResNet18(FeatureNetwork):
    """The paper's ResNet-18; 13.7 M parameters with 310 classes.

    Taps: FM1 = output of stage 2 [B, 128, 17, 26]; FM2 = output of stage 3 [B, 256, 8, 12]; the response = the fully
    connected layer after BN and ReLU [B, 2048].
    """

    architecture = "resnet18"

    def __init__(self, classes: int | None = None) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 64, 7, stride=2, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)
        )
        self.stage1 = nn.Sequential(BasicBlock(64, 64), BasicBlock(64, 64))
        self.stage2 = nn.Sequential(BasicBlock(64, 128, stride=2), BasicBlock(128, 128))
        self.stage3 = nn.Sequential(BasicBlock(128, 256, stride=2), BasicBlock(256, 256))
        self.stage4 = nn.Sequential(BasicBlock(256, 256, stride=2), BasicBlock(256, 256))
        self.add_response(256 * 3 * 5, classes)
        self.initialise(nn.init.xavier_uniform_, nn.init.kaiming_normal_)

    def forward_taps(self, images: Tensor) -> Taps:
        """Return FM1 (stage 2), FM2 (stage 3), the response and the logits."""
        map1 = self.stage2(self.stage1(self.stem(images)))
        map2 = self.stage3(map1)
        response = self.feature(self.stage4(map2).flatten(1))
        return Taps((map1, map2), response, None if self.head is None else self.head(response))

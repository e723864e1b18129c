"""SigNet, the expert network: AlexNet-like with batch norm.

Hafemann, Sabourin, Oliveira: Learning features for offline handwritten signature verification using deep convolutional
neural networks, Pattern Recognition 70, 2017. The names of the parameters are those of the published file, so that its
state loads as it is.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from sigkd.models.networks import NETWORKS
from sigkd.models.registry import FEATURE_SIZE, FeatureNetwork, Taps


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False),
            bn=nn.BatchNorm2d(outputs),
            relu=nn.ReLU(inplace=True),
        )
    )


def _linear(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            fc=nn.Linear(inputs, outputs, bias=False),
            bn=nn.BatchNorm1d(outputs),
            relu=nn.ReLU(inplace=True),
        )
    )


@NETWORKS.register("signet")
class SigNet(FeatureNetwork):
    """SigNet with an optional classification layer (``classes``); 15.79 M parameters without it.

    Taps: FM1 = conv2 after BN and ReLU [B, 256, 17, 26]; FM2 = conv5 after BN and ReLU [B, 256, 8, 12]; the response
    = fc7 after BN and ReLU [B, 2048] (``fc_layers.fc2`` here and in the published file).
    """

    architecture = "signet"

    def __init__(self, classes: int | None = None) -> None:
        super().__init__()
        self.conv_layers = nn.Sequential(
            OrderedDict(
                conv1=_conv(1, 96, 11, stride=4),
                maxpool1=nn.MaxPool2d(3, 2),
                conv2=_conv(96, 256, 5, padding=2),
                maxpool2=nn.MaxPool2d(3, 2),
                conv3=_conv(256, 384, 3, padding=1),
                conv4=_conv(384, 384, 3, padding=1),
                conv5=_conv(384, 256, 3, padding=1),
                maxpool5=nn.MaxPool2d(3, 2),
            )
        )
        self.fc_layers = nn.Sequential(
            OrderedDict(fc1=_linear(256 * 3 * 5, FEATURE_SIZE), fc2=_linear(FEATURE_SIZE, FEATURE_SIZE))
        )
        self.head = None if classes is None else nn.Linear(FEATURE_SIZE, classes)
        self.initialise(nn.init.xavier_uniform_, nn.init.xavier_uniform_)  # the paper's random-weight rows (Table 4)

    @property
    def response_block(self) -> nn.Sequential:
        """The last layers before the response: fc7, batch norm, ReLU."""
        block = self.fc_layers.fc2
        assert isinstance(block, nn.Sequential)  # noqa: S101 - what __init__ put there
        return block

    def forward_taps(self, images: Tensor) -> Taps:
        """Return FM1 (conv2), FM2 (conv5), the response (fc7) and the logits."""
        maps: list[Tensor] = []
        x = images
        for name, layer in self.conv_layers.named_children():
            x = layer(x)
            if name in ("conv2", "conv5"):
                maps.append(x)
        response = self.fc_layers(x.flatten(1))
        return Taps(tuple(maps), response, None if self.head is None else self.head(response))

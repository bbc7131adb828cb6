"""Any ONNX model that onnx_check lets pass, run by onnxruntime."""

import onnx
import onnxruntime

from tfmm.arrays import Array, Floats32


class OnnxRuntime:
    """Observation (B, F) float32 -> {output: (B, ...)}. Raises exceptions of onnxruntime, which have no base class."""

    def __init__(self, model: onnx.ModelProto) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # for one row others only wait
        options.log_severity_level = 4
        data, providers = model.SerializeToString(), ["CPUExecutionProvider"]
        self._session = onnxruntime.InferenceSession(data, options, providers=providers)
        self._input = self._session.get_inputs()[0].name
        self._outputs = [one.name for one in self._session.get_outputs()]

    def __call__(self, observation: Floats32) -> dict[str, Array]:
        values = self._session.run(self._outputs, {self._input: observation})
        return dict(zip(self._outputs, values, strict=True))

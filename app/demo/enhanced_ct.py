"""The demonstration cone-beam volume as one Enhanced CT object with a frame per slice.

PS3.3 A.38: geometry, rescale and window stand in functional groups. Patient lies on the
back, head first, so columns run to the patient's left and rows to the back.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from app.demo.cbct import INTERCEPT, Volume
from app.demo.dicom_writer import Exposure, code, identity, save
from app.demo.seeds import stable_uid

ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
_FRAME_TYPE = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]


def write_volume(path: Path, exposure: Exposure, volume: Volume) -> None:
    """Write the volume; frame n lies n voxels above the first."""
    data = Dataset()
    identity(data, exposure, ENHANCED_CT, "CT", "VolScan CB")
    # Enhanced objects say this once, in Acquisition DateTime.
    del data.AcquisitionDate, data.AcquisitionTime
    stamp = exposure.captured_at.strftime("%Y%m%d%H%M%S")
    data.AcquisitionDateTime, data.AcquisitionNumber, data.AcquisitionDuration = stamp, 1, 14.0
    data.InstanceCreationDate, data.InstanceCreationTime = stamp[:8], stamp[8:]
    data.FrameOfReferenceUID = stable_uid(exposure.key, "frame of reference")
    data.PositionReferenceIndicator = ""
    data.PatientPosition = "HFS"
    data.ImageComments = exposure.description
    _image(data, volume)
    _shared(data, volume)
    _per_frame(data, volume, exposure, stamp)
    data.PixelData = np.ascontiguousarray(volume.pixels, dtype="<u2").tobytes()
    data["PixelData"].VR = "OW"
    save(path, data)


def _image(data: Dataset, volume: Volume) -> None:
    frames, data.Rows, data.Columns = volume.pixels.shape
    data.NumberOfFrames = frames
    data.ImageType = _FRAME_TYPE
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.PixelPresentation, data.VolumetricProperties = "MONOCHROME", "VOLUME"
    data.VolumeBasedCalculationTechnique = "NONE"
    data.ContentQualification = "PRODUCT"
    data.BurnedInAnnotation, data.LossyImageCompression = "NO", "00"
    data.PresentationLUTShape = "IDENTITY"
    data.AcquisitionContextSequence = Sequence([])


def _item(**values: object) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def _one(**values: object) -> Sequence:
    return Sequence([_item(**values)])


def _shared(data: Dataset, volume: Volume) -> None:
    step = f"{volume.voxel_mm:g}"
    size = volume.voxel_mm * volume.pixels.shape[2]
    shared = Dataset()
    shared.PixelMeasuresSequence = _one(PixelSpacing=[step, step], SliceThickness=step, SpacingBetweenSlices=step)
    shared.PlaneOrientationSequence = _one(ImageOrientationPatient=["1", "0", "0", "0", "1", "0"])
    shared.FrameAnatomySequence = _one(
        FrameLaterality="B", AnatomicRegionSequence=Sequence([code("91609006", "Mandible")])
    )
    shared.PixelValueTransformationSequence = _one(RescaleIntercept=str(INTERCEPT), RescaleSlope="1", RescaleType="HU")
    shared.FrameVOILUTSequence = _one(WindowCenter="700", WindowWidth="3200", WindowCenterWidthExplanation="BONE")
    shared.CTImageFrameTypeSequence = _one(
        FrameType=_FRAME_TYPE,
        PixelPresentation="MONOCHROME",
        VolumetricProperties="VOLUME",
        VolumeBasedCalculationTechnique="NONE",
    )
    shared.CTAcquisitionTypeSequence = _one(AcquisitionType="SEQUENCED", ConstantVolumeFlag="NO", FluoroscopyFlag="NO")
    shared.CTAcquisitionDetailsSequence = _one(
        RotationDirection="CW",
        RevolutionTime=14.0,
        SingleCollimationWidth=volume.voxel_mm,
        TotalCollimationWidth=volume.voxel_mm * volume.pixels.shape[0],
        TableHeight=0.0,
        GantryDetectorTilt=0.0,
        DataCollectionDiameter=size,
    )
    shared.CTTableDynamicsSequence = Sequence([Dataset()])
    shared.CTPositionSequence = _one(
        TablePosition=0.0,
        DataCollectionCenterPatient=[0.0, 0.0, 0.0],
        ReconstructionTargetCenterPatient=[0.0, 0.0, 0.0],
    )
    shared.CTGeometrySequence = _one(DistanceSourceToDetector=650.0, DistanceSourceToDataCollectionCenter=440.0)
    shared.CTReconstructionSequence = _one(
        ReconstructionAlgorithm="FILTER_BACK_PROJ",
        ConvolutionKernel="BONE",
        ConvolutionKernelGroup="BONE",
        ReconstructionDiameter=size,
        ReconstructionPixelSpacing=[volume.voxel_mm, volume.voxel_mm],
        ReconstructionAngle=360.0,
        ImageFilter="NONE",
    )
    shared.CTExposureSequence = _one(
        ExposureTimeInms=4500.0, XRayTubeCurrentInmA=8.0, ExposureInmAs=36.0, ExposureModulationType="NONE"
    )
    shared.CTXRayDetailsSequence = _one(KVP=90.0, FocalSpots=0.5, FilterType="FLAT", FilterMaterial="ALUMINUM")
    data.SharedFunctionalGroupsSequence = Sequence([shared])


def _per_frame(data: Dataset, volume: Volume, exposure: Exposure, stamp: str) -> None:
    frames, rows, columns = volume.pixels.shape
    organisation = stable_uid(exposure.key, "dimension")
    data.DimensionOrganizationSequence = _one(DimensionOrganizationUID=organisation)
    data.DimensionOrganizationType = "3D"
    data.DimensionIndexSequence = Sequence(
        [
            _item(
                DimensionOrganizationUID=organisation,
                DimensionIndexPointer=pointer,
                FunctionalGroupPointer=group,
                DimensionDescriptionLabel=label,
            )
            for pointer, group, label in (
                (0x00209056, 0x00209111, "Stack"),
                (0x00209057, 0x00209111, "Position in stack"),
            )
        ]
    )
    corner = [-(columns - 1) / 2 * volume.voxel_mm, -(rows - 1) / 2 * volume.voxel_mm]
    low = -(frames - 1) / 2 * volume.voxel_mm
    event = stable_uid(exposure.key, "irradiation")
    groups = []
    for index in range(frames):
        place = [f"{corner[0]:.4f}", f"{corner[1]:.4f}", f"{low + index * volume.voxel_mm:.4f}"]
        groups.append(
            _item(
                FrameContentSequence=_one(
                    FrameAcquisitionDateTime=stamp,
                    FrameReferenceDateTime=stamp,
                    FrameAcquisitionDuration=14000.0,
                    FrameAcquisitionNumber=1,
                    StackID="1",
                    InStackPositionNumber=index + 1,
                    DimensionIndexValues=[1, index + 1],
                ),
                PlanePositionSequence=_one(ImagePositionPatient=place),
                IrradiationEventIdentificationSequence=_one(IrradiationEventUID=event),
            )
        )
    data.PerFrameFunctionalGroupsSequence = Sequence(groups)

//! Numbers in a device's memory that know their shape. Knows no kernel.

use std::ffi::c_void;
use std::ops::Range;

use candle_core::CudaStorage;
use candle_core::Storage;
use candle_core::Tensor;
use candle_core::cuda_backend::CudaDType;
use candle_core::cuda_backend::cudarc;
use candle_core::op::BackpropOp;
use cudarc::driver::CudaSlice;
use cudarc::driver::DevicePtr;
use cudarc::driver::DevicePtrMut;
use cudarc::driver::DeviceRepr;
use cudarc::driver::PinnedHostSlice;
use cudarc::driver::ValidAsZeroBits;

use super::gpu::Gpu;
use super::gpu::failed;
use super::gpu::require;
use crate::error::EngineError;

/// `[rows, columns]`, row after row.
pub(crate) struct Array<T> {
    memory: CudaSlice<T>,
    rows: usize,
    columns: usize,
}

impl<T: DeviceRepr + ValidAsZeroBits> Array<T> {
    /// Zeros.
    pub(crate) fn zeros(gpu: &Gpu, rows: usize, columns: usize) -> Result<Self, EngineError> {
        let memory = gpu.stream().alloc_zeros(rows * columns).map_err(failed)?;
        Ok(Self { memory, rows, columns })
    }

    /// A copy of `values [rows, columns]`.
    pub(crate) fn copy_of(gpu: &Gpu, values: &[T], columns: usize) -> Result<Self, EngineError> {
        require(values.len().is_multiple_of(columns), "an array of incomplete rows")?;
        let memory = gpu.stream().clone_htod(values).map_err(failed)?;
        Ok(Self { memory, rows: values.len() / columns, columns })
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Writes whole rows, the first of them to `row`.
    pub(crate) fn write(&mut self, gpu: &Gpu, row: usize, values: &[T]) -> Result<(), EngineError> {
        let start = row * self.columns;
        require(start + values.len() <= self.memory.len(), "rows that an array does not have")?;
        if values.is_empty() {
            return Ok(());
        }
        let mut target = self.memory.slice_mut(start..start + values.len());
        gpu.stream().memcpy_htod(values, &mut target).map_err(failed)
    }

    /// Reads rows into `values`, which has their size, and waits for them.
    pub(crate) fn read(&self, gpu: &Gpu, rows: Range<usize>, values: &mut [T]) -> Result<(), EngineError> {
        let range = rows.start * self.columns..rows.end * self.columns;
        require(rows.end <= self.rows && values.len() == range.len(), "rows that an array does not have")?;
        gpu.stream().memcpy_dtoh(&self.memory.slice(range), values).map_err(failed)?;
        gpu.finish()
    }

    /// Reads one row through pages that the device can write to by itself, which is several times as fast.
    pub(crate) fn read_pinned<'a>(
        &self,
        gpu: &Gpu,
        row: usize,
        pinned: &'a mut PinnedHostSlice<T>,
    ) -> Result<&'a [T], EngineError> {
        let start = row * self.columns;
        require(row < self.rows && self.columns <= pinned.len(), "a row that an array does not have")?;
        let row = self.memory.slice(start..start + self.columns);
        gpu.stream().memcpy_dtoh(&row, pinned).map_err(failed)?;
        gpu.finish()?;
        pinned.as_slice().map(|values| &values[..self.columns]).map_err(failed)
    }

    /// For kernels that read.
    pub(super) fn pointer(&self, gpu: &Gpu) -> *const c_void {
        // without event tracking there is nothing that the guard would do
        let (pointer, _) = self.memory.device_ptr(gpu.stream());
        pointer as usize as *const c_void
    }

    /// For kernels that write.
    pub(super) fn pointer_mut(&mut self, gpu: &Gpu) -> *mut c_void {
        let (pointer, _) = self.memory.device_ptr_mut(gpu.stream());
        pointer as usize as *mut c_void
    }
}

impl<T: DeviceRepr + ValidAsZeroBits + CudaDType> Array<T> {
    /// The rows of candle's tensors, below each other. All are `[rows, columns]` or `[columns]` without gaps.
    pub(crate) fn stack(gpu: &Gpu, tensors: &[Tensor]) -> Result<Self, EngineError> {
        let columns = tensors.first().and_then(|tensor| tensor.dims().last()).copied().unwrap_or(1);
        let rows = tensors.iter().map(|tensor| tensor.elem_count() / columns).sum();
        let mut stacked = Self::zeros(gpu, rows, columns)?;
        let mut start = 0;
        for tensor in tensors {
            let end = start + tensor.elem_count();
            require(tensor.dims().last() == Some(&columns), "rows of different lengths in one array")?;
            stacked.take(gpu, start, tensor)?;
            start = end;
        }
        Ok(stacked)
    }

    /// Takes over what one of candle's tensors holds, from the first row on.
    pub(crate) fn assign(&mut self, gpu: &Gpu, tensor: &Tensor) -> Result<(), EngineError> {
        require(tensor.dims().last() == Some(&self.columns), "rows of another length")?;
        self.take(gpu, 0, tensor)
    }

    fn take(&mut self, gpu: &Gpu, start: usize, tensor: &Tensor) -> Result<(), EngineError> {
        let tensor = tensor.contiguous()?;
        let (storage, layout) = tensor.storage_and_layout();
        let Storage::Cuda(cuda) = &*storage else {
            return Err(EngineError::Internal("a tensor is not on the device".into()));
        };
        let (offset, count) = (layout.start_offset(), tensor.elem_count());
        require(start + count <= self.memory.len(), "rows that an array does not have")?;
        let source = cuda.as_cuda_slice::<T>()?.slice(offset..offset + count);
        let mut target = self.memory.slice_mut(start..start + count);
        gpu.stream().memcpy_dtod(&source, &mut target).map_err(failed)
    }

    /// The first rows as one of candle's tensors.
    pub(crate) fn tensor(&self, gpu: &Gpu, rows: usize) -> Result<Tensor, EngineError> {
        require(rows <= self.rows, "rows that an array does not have")?;
        let copy = gpu.stream().clone_dtod(&self.memory.slice(..rows * self.columns)).map_err(failed)?;
        let storage = Storage::Cuda(CudaStorage::wrap_cuda_slice(copy, gpu.device().clone()));
        Ok(Tensor::from_storage(storage, (rows, self.columns), BackpropOp::none(), false))
    }
}

/// Pages of the host that a device can write to by itself.
pub(crate) fn pinned<T: DeviceRepr>(gpu: &Gpu, length: usize) -> Result<PinnedHostSlice<T>, EngineError> {
    // SAFETY: unset memory is a number of whatever value for the types used here, and is written before it is read. No
    // flags: pages that are written combined would be slow to read.
    unsafe { gpu.stream().context().alloc_pinned_with_flags(length, 0) }.map_err(failed)
}

/// Indices in a device's memory, each below a bound that was checked on the way there.
pub(crate) struct Indices {
    array: Array<i32>,
    bound: usize,
    length: usize,
}

impl Indices {
    /// Room for so many below `bound`; zeros.
    pub(crate) fn zeros(gpu: &Gpu, capacity: usize, bound: usize) -> Result<Self, EngineError> {
        Ok(Self { array: Array::zeros(gpu, capacity, 1)?, bound, length: 0 })
    }

    pub(crate) fn capacity(&self) -> usize {
        self.array.rows()
    }

    /// Sets the first.
    ///
    /// # Errors
    /// `Internal` when they are too many or one is not below the bound.
    pub(crate) fn set(&mut self, gpu: &Gpu, indices: &[i32]) -> Result<(), EngineError> {
        let below = |index: &i32| usize::try_from(*index).is_ok_and(|index| index < self.bound);
        require(indices.iter().all(below), "an index that is out of bounds")?;
        self.array.write(gpu, 0, indices)?;
        self.length = indices.len();
        Ok(())
    }

    pub(super) fn bound(&self) -> usize {
        self.bound
    }

    /// How many were set last.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    pub(super) fn pointer(&self, gpu: &Gpu) -> *const i32 {
        self.array.pointer(gpu).cast()
    }
}
